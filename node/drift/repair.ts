import { chmod, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { declared } from "../diagnose/disk.ts";
import { looseEnvironment } from "../diagnose/loose-environment.ts";
import { requireGeneration } from "../generation/store.ts";
import { ensureDirectory } from "../lib/atomic.ts";
import { errnoOf } from "../lib/failure.ts";
import { gatewayDirectories, gatewayHome } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { placeMetrics, removeMetrics } from "../metrics/place.ts";
import type { Context } from "../phase.ts";
import type { UnitFiles } from "../platform/services.ts";
import { waitUntilReady } from "../switch/start-watch.ts";
import { switchTo } from "../switch/switch.ts";
import type { DeclaredGateway, Deviation, DeviationKind } from "./deviation.ts";
import { inspect, isLink } from "./inspect.ts";

/** More than a gateway can have: a repair prunes no point to return to. */
const KEEP_ALL = Number.MAX_SAFE_INTEGER;

/** Only a new process takes these in. */
const NEEDS_RESTART: ReadonlySet<DeviationKind> = new Set([
  "drop-in",
  "dotenv",
  "manager-environment",
  "process-environment",
]);

/** Moves a file where nothing reads it and somebody can still look at it; the name says when. */
async function setAside(home: GatewayHome, path: string, now: Date): Promise<string> {
  const directory = join(home.gatehouse, "set-aside");
  await ensureDirectory(directory, { mode: 0o700 });
  const target = join(directory, `${now.toISOString().replaceAll(/[:.]/g, "-")}-${basename(path)}`);
  await rename(path, target);
  await chmod(target, 0o600);
  return target;
}

/** The files that set one of the variables again when the manager starts. */
async function lastingSources(paths: readonly string[], variables: readonly string[]): Promise<string[]> {
  const setting = await Promise.all(
    paths.map(async (path) => {
      const set = looseEnvironment((await readTextOrNull(path)) ?? "");
      return variables.some((variable) => set.has(variable)) ? [path] : [];
    }),
  );
  return setting.flat();
}

async function mendForms(home: GatewayHome, own: DeclaredGateway, services: UnitFiles, done: string[]): Promise<void> {
  const live = await requireGeneration(home, own.generation);
  await chmod(ownUser().home, 0o700);
  for (const { path, kind, mode, owner } of declared(home, own.unit, own.agents, live.manifest, services)) {
    // what the manager of the whole machine reads is placed anew by the switch
    if (owner === "root") continue;
    if (kind === "file" && (await isLink(path))) {
      await rm(path);
      done.push(`removed the link ${path}`);
      continue;
    }
    await chmod(path, mode).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
    });
  }
}

async function mendMetrics(
  home: GatewayHome,
  { gateway, unit, metrics }: DeclaredGateway,
  context: Context,
): Promise<string> {
  if (metrics === undefined) {
    await removeMetrics(home, gateway, context);
    return "stopped the collection of metrics";
  }
  await placeMetrics(home, { gateway, unit, settings: metrics }, context);
  return "put the collection of metrics back";
}

/**
 * Makes a gateway again what its live generation says, and proves it: modes, links, drop-ins, variables that come from
 * elsewhere, then the switch to the generation that is live already, which restarts only what has to be.
 * Runs as the gateway's user, whom root has given every file back.
 */
export async function repair(declaredGateway: DeclaredGateway, context: Context): Promise<readonly string[]> {
  const { home: homeDirectory } = ownUser();
  const home = gatewayHome(homeDirectory);
  const { services } = context.platform;
  return await withGatewayLock(home, context, async () => {
    const { deviations, generation } = await inspect(declaredGateway, context);
    if (generation === null) return [];
    const own = { ...declaredGateway, generation };
    const mine = deviations.filter(({ mending }) => mending === "repair");
    const of = (kind: DeviationKind): readonly Deviation[] => mine.filter((one) => one.kind === kind);
    const done: string[] = [];
    const now = new Date();
    for (const path of gatewayDirectories(homeDirectory, own.agents)) await ensureDirectory(path, { mode: 0o700 });
    await mendForms(home, own, services, done);
    for (const { what } of [...of("drop-in"), ...of("dotenv")])
      done.push(`moved ${what} to ${await setAside(home, what, now)}`);
    const variables = of("manager-environment").map(({ what }) => what);
    if (variables.length > 0) {
      for (const path of await lastingSources(await services.environmentFiles(homeDirectory), variables))
        done.push(`moved ${path} to ${await setAside(home, path, now)}`);
      await services.unsetEnvironment(variables);
      done.push(`took ${variables.join(", ")} out of the user manager's environment`);
    }
    if (of("metrics").length > 0) done.push(await mendMetrics(home, own, context));
    await services.reload();
    const live = await requireGeneration(home, generation);
    const { action } = await switchTo(home, live, KEEP_ALL, context);
    if (action === "switched") done.push(`placed ${generation} again and restarted ${own.unit}`);
    else if (mine.some(({ kind }) => NEEDS_RESTART.has(kind))) {
      const since = new Date();
      await services.restart(own.unit);
      await waitUntilReady(live, context, { since });
      done.push(`restarted ${own.unit}`);
    }
    return done;
  });
}
