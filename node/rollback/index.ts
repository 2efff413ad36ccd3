import { generationName, unitName } from "../generation/manifest.ts";
import { requireRuntime } from "../generation/runtime.ts";
import { liveGeneration, requireGeneration } from "../generation/store.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { gatewayUser, ownUser } from "../lib/gateway-user.ts";
import { requireMachine } from "../lib/machine.ts";
import { requireStart } from "../lib/require-start.ts";
import {
  absolutePath,
  gatewayName,
  integer,
  list,
  machineId,
  object,
  oneOf,
  text,
  textLike,
  userName,
} from "../lib/shape.ts";
import type { Context, UserCommand } from "../phase.ts";
import type { VerifyPayload, VerifyResult } from "../protocol.ts";
import { snapshotFor } from "../state/guard.ts";
import { switchTo } from "../switch/switch.ts";
import { DEVICE_ID } from "../verify/devices.ts";
import type { ConfirmPayload, RollbackPayload, RollbackPoints, RollbackSubject, RolledBack } from "./point.ts";
import { credentialChanges, rollbackPoints } from "./points.ts";

/** A switch back is a switch: its start, the vendor's checks, and the return when it fails. */
const SWITCH_SECONDS = 1500;
export const ROLLBACK_SECONDS = { look: 60, switch: SWITCH_SECONDS } as const;
/** Going back removes no point to return to, forward ones included. */
const KEEP_ALL = Number.MAX_SAFE_INTEGER;

const subject = {
  machineId,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  unit: unitName,
};
export const checkSubject = object<RollbackSubject>(subject);
export const checkRollback = object<RollbackPayload>({
  ...subject,
  to: generationName,
  state: oneOf("keep", "restore snapshot"),
});
export const checkConfirm = object<ConfirmPayload>({
  ...subject,
  generation: generationName,
  port: integer(1024, 65000),
  openclawVersion: text,
  keepDevices: list(textLike(DEVICE_ID, "a device id")),
});

async function asGatewayUser(
  command: string,
  payload: RollbackSubject,
  context: Context,
  {
    input = payload,
    seconds,
    starts = false,
  }: { readonly input?: unknown; readonly seconds: number; readonly starts?: boolean },
): Promise<unknown> {
  await requireMachine(payload.machineId, context.platform);
  const user = await gatewayUser(context.platform.users, payload.user, payload.home);
  if (starts) await requireStart(user, context);
  return await context.asUser(user, command, input, { timeoutSeconds: seconds - 20 });
}

/** @throws {PhaseFailure} `another-machine`, and what is wrong with the gateway's user. */
export async function lookForPoints(payload: RollbackSubject, context: Context): Promise<RollbackPoints> {
  return (await asGatewayUser("rollback-look", payload, context, { seconds: ROLLBACK_SECONDS.look })) as RollbackPoints;
}

/**
 * Makes an earlier generation live behind the same gate as any switch; it waits for its confirmation then.
 * @throws {PhaseFailure} when it does not prove itself: the one that served is serving again.
 */
export async function rollBack(payload: RollbackPayload, context: Context): Promise<RolledBack> {
  return (await asGatewayUser("rollback-switch", payload, context, {
    seconds: SWITCH_SECONDS,
    starts: true,
  })) as RolledBack;
}

/** Ends the way back of a rollback; for a second SSH session, like that of an update. */
export async function confirmRollback({ machineId, ...own }: ConfirmPayload, context: Context): Promise<VerifyResult> {
  const input: VerifyPayload = { machine: {}, ...own };
  const done = await asGatewayUser("verify-confirm", { machineId, ...own }, context, {
    input,
    seconds: SWITCH_SECONDS,
  });
  return done as VerifyResult;
}

async function switchBack({ to, state }: RollbackPayload, context: Context): Promise<RolledBack> {
  const home = gatewayHome(ownUser().home);
  return await withGatewayLock(home, context, async () => {
    const from = await requireGeneration(home, (await liveGeneration(home)) ?? "(none)");
    const target = await requireGeneration(home, to);
    await requireRuntime(target.manifest);
    const { openclawVersion } = target.manifest;
    const snapshot = await snapshotFor(home, from.manifest.openclawVersion, openclawVersion, state);
    const { interruptionMs } = await switchTo(home, target, KEEP_ALL, context, state);
    return {
      from: from.manifest.generation,
      to,
      openclawVersion,
      credentials: credentialChanges(from.manifest, target.manifest),
      restoredState: snapshot?.time ?? null,
      interruptionSeconds: interruptionMs / 1000,
    };
  });
}

export const rollbackCommands: Readonly<Record<string, UserCommand>> = {
  "rollback-look": () => rollbackPoints(gatewayHome(ownUser().home)),
  "rollback-switch": (payload, context) => switchBack(checkRollback(payload, "payload"), context),
};
