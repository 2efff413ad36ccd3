import { generationName, unitName } from "../generation/manifest.ts";
import { hasNewToken, recordIssued } from "../generation/issued.ts";
import { liveGeneration, requireGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { launchRecordShape } from "../launch/record.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { gatewayHome } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { gatewayUser, ownUser } from "../lib/gateway-user.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import {
  absolutePath,
  gatewayName,
  integer,
  list,
  machineExpectation,
  object,
  text,
  textLike,
  userName,
} from "../lib/shape.ts";
import type { Context, Phase } from "../phase.ts";
import { EXIT } from "../protocol.ts";
import type { VerifyPayload, VerifyResult } from "../protocol.ts";
import { waitUntilReady } from "../switch/start-watch.ts";
import { readRolledBack } from "../switch/journal.ts";
import { confirmSwitch, switchTo } from "../switch/switch.ts";
import { DEVICE_ID, removeDevices } from "./devices.ts";

const KEEP_ALL = Number.MAX_SAFE_INTEGER;

const shape = object<VerifyPayload>({
  machine: machineExpectation,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  port: integer(1024, 65000),
  unit: unitName,
  generation: generationName,
  openclawVersion: text,
  keepDevices: list(textLike(DEVICE_ID, "a device id")),
});

const check = (payload: unknown): VerifyPayload => shape(payload, "payload");

/** Runs as the gateway user, in another SSH session than the one that switched. */
async function confirm(untrusted: unknown, context: Context): Promise<VerifyResult> {
  const payload = check(untrusted);
  const home = gatewayHome(ownUser().home);
  return await withGatewayLock(home, context, async () => {
    const live = await liveGeneration(home);
    if (live !== payload.generation) {
      const rolledBack = await readRolledBack(home);
      if (rolledBack?.generation !== payload.generation) {
        throw new PhaseFailure({
          layer: "config or disk",
          code: "generation-not-live",
          message: `the generation ${live ?? "(none)"} is live, not ${payload.generation}`,
          fix: "apply the gateway again: `pulumi up --replace` with the URN of this gateway's gateway phase",
          exit: EXIT.gate,
        });
      }
      // It passed its gate, and only the confirmation was late: this session is the confirmation.
      context.progress(`${payload.generation} was taken back because nobody confirmed it; switching to it again`);
      await switchTo(home, await requireGeneration(home, payload.generation), KEEP_ALL, context);
    }
    const generation = await requireGeneration(home, payload.generation);
    await waitUntilReady(generation, context);
    const state = await context.platform.services.state(payload.unit);
    if (state.active !== "active" || !state.enabled) {
      throw new PhaseFailure({
        layer: "gateway session",
        code: "unit-state",
        message: `${payload.unit} is ${state.active}/${state.sub} and ${state.enabled ? "enabled" : "not enabled"}`,
        fix: "apply the gateway again: `pulumi up --replace` with the URN of this gateway's gateway phase",
        exit: EXIT.gate,
      });
    }
    const launched = await launchedCredentials(home, generation, state.mainPid);
    await confirmSwitch(home, context);
    // before the record below, which ends the token's rotation: killed here, the next run finds it unfinished
    const devices = (await hasNewToken(home, generation.manifest))
      ? await removeDevices(generation, payload.keepDevices, context)
      : null;
    const credentials = await recordIssued(home, generation.manifest, launched, new Date());
    return {
      generation: payload.generation,
      health: "ready",
      unitState: `${state.active} (${state.sub})`,
      pid: state.mainPid,
      restarts: state.restarts,
      openclawVersion: generation.manifest.openclawVersion,
      credentials,
      launched,
      devices,
    };
  });
}

/** What the launcher noted for the process that runs now. */
async function launchedCredentials(
  home: GatewayHome,
  { manifest }: StoredGeneration,
  pid: number,
): Promise<VerifyResult["launched"]> {
  if (manifest.launch === undefined) return [];
  const record = await readJsonOrNull(home.launchRecord, launchRecordShape);
  if (record?.pid === pid) return record.credentials;
  throw new PhaseFailure({
    layer: "provider credential",
    code: "launch-record",
    message: `no launcher noted what the running process ${pid} was given`,
    fix: "look at the unit's log for the launcher's lines, then apply the gateway again",
    exit: EXIT.gate,
  });
}

async function apply(payload: VerifyPayload, context: Context): Promise<VerifyResult> {
  const user = await gatewayUser(context.platform.users, payload.user, payload.home);
  return (await context.asUser(user, "verify-confirm", payload, { timeoutSeconds: 1400 })) as VerifyResult;
}

/** Finds the expected generation serving and ends its way back; the second SSH session of DESIGN.md, decision 3. */
export const verifyPhase: Phase<"verify"> = {
  name: "verify",
  watchdogSeconds: 1500,
  check,
  apply,
  remove: () => Promise.resolve({ removed: [], kept: [] }),
  userCommands: { "verify-confirm": confirm },
};
