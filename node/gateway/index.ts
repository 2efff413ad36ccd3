import { rm } from "node:fs/promises";
import { listGenerations, removeGeneration } from "../generation/store.ts";
import { ensureDirectory } from "../lib/atomic.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { gatewayUser, ownUser } from "../lib/gateway-user.ts";
import { removeMetrics } from "../metrics/place.ts";
import { ensureTextfileDirectory, removeTextfileDirectory } from "../metrics/textfile-directory.ts";
import { gatewayOfUser, recordRuntimes } from "../lib/registry.ts";
import { requireStart } from "../lib/require-start.ts";
import { flag, object } from "../lib/shape.ts";
import type { Context, Phase, Removed } from "../phase.ts";
import type { GatewayPayload, GatewayResult } from "../protocol.ts";
import { clearJournal, clearRolledBack } from "../switch/journal.ts";
import { removeLiveFiles } from "../switch/live-files.ts";
import { DEAD_MAN, takeBack } from "../switch/switch.ts";
import { converge } from "./converge.ts";
import type { Converged } from "./converge.ts";
import { gatewayPayload } from "./payload.ts";

/** Longer than a start at its time limit, the vendor's checks and the return to the previous generation. */
const WATCHDOG_SECONDS = 1500;
/** The same for a return alone. */
const SETTLE_SECONDS = 580;

async function apply(payload: GatewayPayload, context: Context): Promise<GatewayResult> {
  const user = await gatewayUser(context.platform.users, payload.user, payload.home);
  await requireStart(user, context);
  if (payload.metrics !== undefined) await ensureTextfileDirectory(user, payload.gateway, context);
  const { steward } = context.platform;
  await steward.keepUnit(context.paths, payload.gateway, payload.generation, payload.files.unit);
  const converged = (await context.asUser(user, "gateway-converge", payload, {
    timeoutSeconds: WATCHDOG_SECONDS - 20,
  })) as Converged;
  if (payload.metrics === undefined) await removeTextfileDirectory(payload.gateway, context);
  await recordRuntimes(context.paths, payload.gateway, converged.runtimes);
  await steward.forgetUnits(context.paths, payload.gateway, converged.kept);
  const { platform } = context;
  const findings = [...(await platform.hardening(converged.profile, converged.pid)), ...platform.hardeningLimits];
  for (const finding of findings) context.progress(`hardening: ${finding}`);
  return {
    generation: payload.generation,
    previousGeneration: converged.previous,
    action: converged.action,
    rollbackPoints: converged.kept.length - 1,
    hardening: { profile: converged.profile, findings },
    interruptionSeconds: converged.interruptionMs / 1000,
    proof: converged.proof,
    vendorPolicy: converged.vendorPolicy,
  };
}

async function removeGateway(untrusted: unknown, context: Context): Promise<Removed> {
  const payload = gatewayPayload(untrusted, "payload");
  const home = gatewayHome(ownUser().home);
  const { services } = context.platform;
  await ensureDirectory(home.gatehouse, { mode: 0o700 });
  return await withGatewayLock(home, context, async () => {
    context.progress(`stopping ${payload.unit}`);
    await services.cancel(DEAD_MAN);
    await services.disable(payload.unit);
    await removeMetrics(home, payload.gateway, context);
    await removeLiveFiles(home, payload.unit, services);
    await services.reload();
    await rm(home.current, { force: true });
    const generations = await listGenerations(home);
    for (const name of generations) await removeGeneration(home, name);
    await rm(home.candidate, { recursive: true, force: true });
    await rm(home.snapshots, { recursive: true, force: true });
    await rm(home.issued, { force: true });
    await rm(home.attestation, { force: true });
    await clearRolledBack(home);
    await clearJournal(home);
    return {
      removed: [payload.unit, "configuration and environment file", `${generations.length} generations`],
      kept: payload.purge ? [] : [`state ${home.openclaw}`, `workspaces ${home.workspaces}`],
    };
  });
}

async function remove(payload: GatewayPayload, context: Context): Promise<Removed> {
  const user = await context.platform.users.find(payload.user);
  if (user === undefined) {
    await removeTextfileDirectory(payload.gateway, context);
    return { removed: [], kept: [] };
  }
  const removed = await context.asUser(user, "gateway-remove", payload, { timeoutSeconds: WATCHDOG_SECONDS - 20 });
  await removeTextfileDirectory(payload.gateway, context);
  await recordRuntimes(context.paths, payload.gateway, []);
  await context.platform.steward.forgetUnits(context.paths, payload.gateway, []);
  return removed as Removed;
}

/** Whether the service manager starts the gateway by itself later, as at a boot. */
const settlePayload = object<{ readonly startsLater: boolean }>({ startsLater: flag });

async function settleOwn(atBoot: boolean, context: Context): Promise<void> {
  const home = gatewayHome(ownUser().home);
  await withGatewayLock(home, context, () => takeBack(home, atBoot, context));
}

/**
 * `gatehouse-node settle [--boot]`: what the dead-man timer and the settle unit call. With `--user NAME` it is root that
 * calls, for the gateway of that user.
 */
export async function settle(args: readonly string[], context: Context): Promise<void> {
  const [option, name] = args;
  if (option !== "--user") {
    await settleOwn(option === "--boot", context);
    return;
  }
  const own = name === undefined ? undefined : await gatewayOfUser(context.paths, name);
  // a gateway that was removed meanwhile has nothing to settle
  if (own === undefined) return;
  const user = await gatewayUser(context.platform.users, own.user, own.home);
  const startsLater = !(await context.platform.steward.canStart(context.paths, user));
  await context.asUser(user, "gateway-settle", { startsLater }, { timeoutSeconds: SETTLE_SECONDS });
}

/** Stages one generation, validates it, switches to it behind a health gate, or returns to the previous one. */
export const gatewayPhase: Phase<"gateway"> = {
  name: "gateway",
  watchdogSeconds: WATCHDOG_SECONDS,
  check: (payload) => gatewayPayload(payload, "payload"),
  apply,
  remove,
  userCommands: {
    "gateway-converge": converge,
    "gateway-remove": removeGateway,
    "gateway-settle": async (payload, context) => {
      const { startsLater } = settlePayload(payload, "payload");
      await settleOwn(startsLater, context);
      // no boot has ended it
      if (startsLater) await context.platform.services.cancel(DEAD_MAN);
    },
  },
};
