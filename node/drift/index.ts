import { chown, lchown, lstat } from "node:fs/promises";
import { join } from "node:path";
import { userObjections } from "../account/objections.ts";
import { generationName, unitName } from "../generation/manifest.ts";
import { exists } from "../lib/exists.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { requireMachine } from "../lib/machine.ts";
import { gatewayOfUser } from "../lib/registry.ts";
import { requireStart } from "../lib/require-start.ts";
import { absolutePath, directoryName, flag, gatewayName, list, machineId, object, optional, userName } from "../lib/shape.ts"; // prettier-ignore
import { metricsSettings } from "../metrics/settings.ts";
import { ensureTextfileDirectory } from "../metrics/textfile-directory.ts";
import type { Context, UserCommand } from "../phase.ts";
import type { OsUser } from "../platform/index.ts";
import { COMPLETE_MARKER, openclawEntry } from "../runtime/layout.ts";
import type { DeclaredGateway, Deviation, DriftPayload, GatewayDrift, NodeDrift, NodeRepair } from "./deviation.ts";
import { inspect } from "./inspect.ts";
import { textfileDeviations } from "./metrics.ts";
import { repair } from "./repair.ts";

/** Seconds that one gateway may take: a look takes about one, a repair a start and the vendor's checks. */
const LOOK_SECONDS = 60;
const REPAIR_SECONDS = 900;
export const DRIFT_SECONDS = { drift: 600, repair: 3600 } as const;

const declaredGateway = object<DeclaredGateway>({
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  unit: unitName,
  generation: generationName,
  agents: list(gatewayName),
  metrics: optional(metricsSettings),
});

export const checkDrift = object<DriftPayload>({
  machineId,
  alwaysOn: flag,
  runtime: optional(directoryName),
  gateways: list(declaredGateway),
});

async function runtimeDeviations(runtime: string, context: Context): Promise<Deviation[]> {
  const directory = join(context.paths.runtimes, runtime);
  const parts = [join(directory, COMPLETE_MARKER), openclawEntry(directory)];
  const there = await Promise.all(parts.map(exists));
  if (!there.includes(false)) return [];
  return [{ kind: "runtime", what: directory, detail: "is not complete", likely: "a hand", mending: "up" }];
}

async function machineDeviations(payload: DriftPayload, context: Context): Promise<Deviation[]> {
  const [machineId, objections] = await Promise.all([
    context.platform.machineId(),
    context.platform.alwaysOn.objections(context.paths),
  ]);
  return [
    ...(machineId === payload.machineId
      ? []
      : [
          {
            kind: "another-machine" as const,
            what: machineId,
            detail: `is not the machine that was provisioned (${payload.machineId})`,
            likely: "unknown" as const,
            mending: "by hand" as const,
          },
        ]),
    ...(payload.alwaysOn ? objections : []).map(({ what, detail }): Deviation => ({
      kind: "sleep",
      what,
      detail,
      likely: "a hand",
      mending: "repair",
    })),
    ...(payload.runtime === undefined ? [] : await runtimeDeviations(payload.runtime, context)),
  ];
}

/** The gateway's user, if it lives where it should. */
async function userOf({ user, home }: DeclaredGateway, context: Context): Promise<OsUser | undefined> {
  const found = await context.platform.users.find(user);
  return found?.home === home && found.uid !== 0 ? found : undefined;
}

async function accountDeviations({ user, home }: DeclaredGateway, context: Context): Promise<Deviation[]> {
  const { users } = context.platform;
  const [facts, linger, own] = await Promise.all([
    users.inspect(user),
    users.startsAtBoot(user),
    gatewayOfUser(context.paths, user),
  ]);
  if (facts === undefined) return [];
  return [
    ...userObjections(facts, home, context.platform, own?.startsAt ?? "boot").map(({ message, fix }): Deviation => ({
      kind: "user-rights",
      what: user,
      detail: `${message}; ${fix}`,
      likely: "a hand",
      mending: "by hand",
    })),
    ...(linger === true
      ? []
      : [
          {
            kind: "linger" as const,
            what: user,
            detail: "lingers no longer: its gateway stops with the last session and does not start at boot",
            likely: "a hand" as const,
            mending: "repair" as const,
          },
        ]),
  ];
}

async function gatewayDrift(own: DeclaredGateway, context: Context): Promise<GatewayDrift> {
  const user = await userOf(own, context);
  if (user === undefined) {
    const gone = { kind: "user-missing", what: own.user, detail: `has no home at ${own.home}` } as const;
    return { gateway: own.gateway, generation: null, deviations: [{ ...gone, likely: "a hand", mending: "up" }] };
  }
  const account = [...(await accountDeviations(own, context)), ...(await textfileDeviations(own, user, context))];
  const seen = (await context
    .asUser(user, "drift-inspect", own, { timeoutSeconds: LOOK_SECONDS })
    .catch((error: unknown) => {
      // without its service manager nothing can run as that user
      const detail = error instanceof PhaseFailure ? error.message : "could not be looked at";
      const unknown = { kind: "unknown", what: own.user, detail, likely: "unknown", mending: "repair" } as const;
      return { generation: null, deviations: [unknown] };
    })) as Omit<GatewayDrift, "gateway">;
  return { gateway: own.gateway, generation: seen.generation, deviations: [...account, ...seen.deviations] };
}

/** What of a node differs from what was declared for it. Changes nothing. */
export async function drift(payload: DriftPayload, context: Context): Promise<NodeDrift> {
  const time = new Date().toISOString();
  const deviations = await machineDeviations(payload, context);
  const gateways: GatewayDrift[] = [];
  for (const own of payload.gateways) {
    context.progress(`looking at ${own.gateway}`);
    gateways.push(await gatewayDrift(own, context));
  }
  return { time, deviations, gateways };
}

/** Gives files of somebody else back to the gateway's user; a link itself, not what it leads to. */
async function giveBack(user: OsUser, found: readonly Deviation[]): Promise<readonly string[]> {
  const done: string[] = [];
  const own = found.filter(({ kind, what }) => kind === "owner" && `${what}/`.startsWith(`${user.home}/`));
  for (const { what } of own) {
    const change = (await lstat(what)).isSymbolicLink() ? lchown : chown;
    await change(what, user.uid, user.gid);
    done.push(`gave ${what} back to ${user.name}`);
  }
  return done;
}

/**
 * Mends what can be mended on the node itself, from the generation that is live there: needs no secret of the operator's.
 * @throws {PhaseFailure} `another-machine`; what the gate says when the live generation does not serve again.
 */
export async function repairNode(payload: DriftPayload, context: Context): Promise<NodeRepair> {
  await requireMachine(payload.machineId, context.platform);
  const before = await drift(payload, context);
  const done: string[] = [];
  const interrupting = before.deviations.filter(({ kind }) => kind === "sleep");
  if (interrupting.length > 0) {
    await context.platform.alwaysOn.keep(context.paths);
    done.push(...interrupting.map(({ what }) => `keeps to \`alwaysOn\` again: ${what}`));
  }
  for (const own of payload.gateways) {
    const found = before.gateways.find(({ gateway }) => gateway === own.gateway)?.deviations ?? [];
    const user = await userOf(own, context);
    if (user === undefined || !found.some(({ mending }) => mending === "repair")) continue;
    await requireStart(user, context);
    if (found.some(({ kind }) => kind === "linger")) {
      await context.platform.users.keepManager(user, context.progress);
      done.push(`lets ${user.name} linger again`);
    }
    done.push(...(await giveBack(user, found)));
    if (own.metrics !== undefined) await ensureTextfileDirectory(user, own.gateway, context);
    context.progress(`repairing ${own.gateway}`);
    const mended = await context.asUser(user, "drift-repair", own, { timeoutSeconds: REPAIR_SECONDS });
    done.push(...(mended as readonly string[]));
  }
  return { before, done, after: await drift(payload, context) };
}

export const driftCommands: Readonly<Record<string, UserCommand>> = {
  "drift-inspect": (payload, context) => inspect(declaredGateway(payload, "payload"), context),
  "drift-repair": (payload, context) => repair(declaredGateway(payload, "payload"), context),
};
