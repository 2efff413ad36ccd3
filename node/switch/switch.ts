import { dirname, join } from "node:path";
import { PhaseFailure, toPhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { Context } from "../phase.ts";
import type { PolicyAttestation, RotationProof } from "../protocol.ts";
import { launchedVariables } from "../generation/variables.ts";
import { acceptCandidate, attestation } from "../openclaw/candidate.ts";
import {
  liveGeneration,
  pruneGenerations,
  readGeneration,
  removeGeneration,
  requireGeneration,
  setLiveGeneration,
} from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { checksFor, isReloadable, isRotation } from "./change.ts";
import { passGate } from "./gate.ts";
import { hasAnotherSchema } from "../state/guard.ts";
import type { StateChoice } from "../state/guard.ts";
import { clearJournal, clearRolledBack, readJournal, writeJournal, writeRolledBack } from "./journal.ts";
import { liveDifferences, placeLiveFiles, removeLiveFiles } from "./live-files.ts";
import { proveRotation } from "./proof.ts";
import { waitUntilReady } from "./start-watch.ts";
import { prepareState, pruneState, restoreState, returnState } from "./versions.ts";
import { reloadSecrets } from "./vendor-checks.ts";

/** Transient timer of the gateway user's manager; settles when nobody confirms. */
export const DEAD_MAN = "gatehouse-dead-man";
/** Seconds that a second SSH session has for its confirmation. */
const CONFIRM_SECONDS = 180;
/** Beyond the start's own time limit: the vendor's checks, and the old generation's start after a failure. */
const SWITCH_MARGIN_SECONDS = 300;

export interface Switched {
  readonly action: "switched" | "unchanged";
  /** The generation to return to; null when there is none. */
  readonly previous: string | null;
  readonly kept: readonly string[];
  readonly interruptionMs: number;
  /** What the gate proved of the running process; null when nothing was switched. */
  readonly proof: RotationProof | null;
  readonly vendorPolicy: PolicyAttestation | null;
  readonly pid: number;
}

/** How the on-node program is called to settle a switch. */
export function settleCommand(context: Context): readonly string[] {
  return [join(dirname(context.programFile), "gatehouse-node"), "settle"];
}

/** When a start began: until then the process before it served. */
interface Start {
  readonly since: Date;
  /** `performance.now()`. */
  readonly stopped: number;
}

/** Starts a generation's process; it is not ready then. */
async function start(home: GatewayHome, generation: StoredGeneration, context: Context): Promise<Start> {
  const { services } = context.platform;
  await placeLiveFiles(home, generation, settleCommand(context), context.platform.services);
  await services.reload();
  await services.enable(generation.manifest.unit);
  const begun = { since: new Date(), stopped: performance.now() };
  await services.restart(generation.manifest.unit);
  return begun;
}

/** Makes the last confirmed generation serve again; without one, the gateway is stopped and its secrets are removed. */
async function restore(
  home: GatewayHome,
  from: string | null,
  failed: StoredGeneration,
  context: Context,
): Promise<string> {
  const { services } = context.platform;
  const previous = from === null ? null : await readGeneration(home, from);
  if (previous === null) {
    await services.disable(failed.manifest.unit);
    await removeLiveFiles(home, failed.manifest.unit, services);
    await services.reload();
    await services.cancel(DEAD_MAN);
    await clearJournal(home);
    return "there was no generation before it: the gateway is stopped and its files are removed";
  }
  context.progress(`returning to ${previous.manifest.generation}`);
  await returnState(home, failed, context);
  const { since } = await start(home, previous, context);
  await waitUntilReady(previous, context, { since });
  await setLiveGeneration(home, previous.manifest.generation);
  await services.cancel(DEAD_MAN);
  await clearJournal(home);
  return `the previous generation ${previous.manifest.generation} is serving again`;
}

async function afterFailure(
  home: GatewayHome,
  from: string | null,
  failed: StoredGeneration,
  cause: unknown,
  context: Context,
): Promise<PhaseFailure> {
  const failure = toPhaseFailure(cause);
  let outcome: string;
  try {
    outcome = await restore(home, from, failed, context);
    if (failed.manifest.generation !== from) await removeGeneration(home, failed.manifest.generation);
  } catch (error) {
    const second = toPhaseFailure(error);
    outcome = `returning to ${from ?? "nothing"} failed as well (${second.message}); the timer ${DEAD_MAN} tries again`;
  }
  return new PhaseFailure({
    layer: failure.layer,
    code: failure.code,
    message: `${failure.message}; ${outcome}`,
    fix: failure.fix,
    exit: failure.exit,
    cause,
  });
}

/** Puts the key file in place and lets the running process read it. */
async function reload(home: GatewayHome, generation: StoredGeneration, context: Context): Promise<void> {
  context.progress("giving the running gateway its key file again");
  await placeLiveFiles(home, generation, settleCommand(context), context.platform.services);
  await reloadSecrets(generation);
}

/** Live, unchanged on disk and answering: nothing to do. */
async function isServing(home: GatewayHome, generation: StoredGeneration, context: Context): Promise<boolean> {
  if ((await liveGeneration(home)) !== generation.manifest.generation) return false;
  if ((await liveDifferences(home, generation, context.platform.services)).length > 0) return false;
  const state = await context.platform.services.state(generation.manifest.unit);
  if (!state.enabled || state.active !== "active") return false;
  return await waitUntilReady(generation, context).then(
    () => true,
    () => {
      context.signal.throwIfAborted();
      return false;
    },
  );
}

/** A switch that was interrupted before its confirmation serves already: it is proven again, and given time again. */
async function proveUnconfirmed(
  home: GatewayHome,
  generation: StoredGeneration,
  from: string | null,
  context: Context,
): Promise<RotationProof> {
  await context.platform.services.schedule(DEAD_MAN, CONFIRM_SECONDS, settleCommand(context));
  try {
    return await proveRotation(generation, from === null ? null : await readGeneration(home, from), context);
  } catch (error) {
    context.signal.throwIfAborted();
    throw await afterFailure(home, from, generation, error, context);
  }
}

/**
 * Makes a staged generation live, or leaves the last confirmed one live and throws. Killed at any point, the journal
 * says what to return to. Call it under the gateway's lock.
 */
export async function switchTo(
  home: GatewayHome,
  generation: StoredGeneration,
  keepGenerations: number,
  context: Context,
  state: StateChoice = "keep",
): Promise<Switched> {
  const { services } = context.platform;
  const { manifest } = generation;
  const to = manifest.generation;
  const journal = await readJournal(home);
  if (await isServing(home, generation, context)) {
    const proof = journal === null ? null : await proveUnconfirmed(home, generation, journal.from ?? null, context);
    const kept = await pruneGenerations(home, keepGenerations, [to, journal?.from ?? null]);
    return {
      action: "unchanged",
      previous: kept.find((name) => name !== to) ?? null,
      kept,
      interruptionMs: journal?.interruptionMs ?? 0,
      proof,
      vendorPolicy: await attestation(home, generation),
      pid: (await services.state(manifest.unit)).mainPid,
    };
  }
  // An interrupted or unconfirmed switch keeps its way back: what it switched to was never confirmed.
  const from = journal === null ? await liveGeneration(home) : (journal.from ?? null);
  const before = from === null ? null : await readGeneration(home, from);
  const rotates = before !== null && isRotation(before, generation);
  const reloads = before !== null && isReloadable(before, generation) && (await isServing(home, before, context));
  const timeLimit = manifest.readyTimeoutSeconds + SWITCH_MARGIN_SECONDS;
  const snapshot = await prepareState(home, before, generation, state, context);
  const entry = { ...(from === null ? {} : { from }), to, ...(snapshot && { snapshot: snapshot.openclawVersion }) };
  if (snapshot !== null) {
    await services.schedule(DEAD_MAN, timeLimit, settleCommand(context));
    await writeJournal(home, { state: "switching", ...entry, interruptionMs: 0 });
  }
  context.progress(`checking the new generation with OpenClaw ${manifest.openclawVersion}`);
  let vendorPolicy: PolicyAttestation | null;
  try {
    if (state === "restore snapshot" && before !== null) await restoreState(home, before, generation, context);
    // what the node cannot read itself stops nothing
    if (rotates) await launchedVariables(generation);
    vendorPolicy = await (rotates ? attestation(home, generation) : acceptCandidate(home, generation));
  } catch (error) {
    context.signal.throwIfAborted();
    if (snapshot !== null && ((await hasAnotherSchema(home, snapshot)) || state === "restore snapshot"))
      throw await afterFailure(home, from, generation, error, context);
    // What the runtime refuses is no point to return to.
    if (to !== from && to !== (await liveGeneration(home))) await removeGeneration(home, to);
    if (snapshot !== null) {
      await clearJournal(home);
      await services.cancel(DEAD_MAN);
    }
    throw error;
  }
  await services.schedule(DEAD_MAN, timeLimit, settleCommand(context));
  await writeJournal(home, { state: "switching", ...entry, interruptionMs: 0 });
  let interruptionMs = 0;
  let proof: RotationProof;
  try {
    if (reloads) {
      await reload(home, generation, context);
      proof = await passGate(home, generation, context, { checks: "nothing", before });
    } else {
      context.progress(`starting ${manifest.unit} with ${to}`);
      const { since, stopped } = await start(home, generation, context);
      const onReady = (): void => {
        interruptionMs = Math.round(performance.now() - stopped);
        context.progress(`ready after ${(interruptionMs / 1000).toFixed(1)} s; proving it`);
      };
      const checks = checksFor(rotates ? before : null, generation);
      proof = await passGate(home, generation, context, { checks, before, since, onReady });
    }
    await setLiveGeneration(home, to);
  } catch (error) {
    // The watchdog leaves no time for a restart: the timer or the next run returns to what the journal says.
    context.signal.throwIfAborted();
    throw await afterFailure(home, from, generation, error, context);
  }
  if (from === to) {
    // A repair: there is no other generation to return to, and no verification waits for a change.
    await confirmSwitch(home, context);
  } else {
    await writeJournal(home, { state: "unconfirmed", ...entry, interruptionMs });
    await services.schedule(DEAD_MAN, CONFIRM_SECONDS, settleCommand(context));
    await clearRolledBack(home);
  }
  const kept = await pruneGenerations(home, keepGenerations, [to, from]);
  await pruneState(home, kept);
  return {
    action: "switched",
    previous: from,
    kept,
    interruptionMs,
    proof,
    vendorPolicy,
    pid: (await services.state(manifest.unit)).mainPid,
  };
}

/** Removes the way back of a switch: from now on its generation is the one to return to. */
export async function confirmSwitch(home: GatewayHome, context: Context): Promise<void> {
  await clearJournal(home);
  await clearRolledBack(home);
  await context.platform.services.cancel(DEAD_MAN);
}

/**
 * Ends a switch that nobody confirmed. At a boot the service manager starts the gateway itself right afterwards.
 * A first generation that passed its gate stays: there is nothing to return to.
 */
export async function takeBack(home: GatewayHome, atBoot: boolean, context: Context): Promise<void> {
  const journal = await readJournal(home);
  if (journal === null) return;
  const reason = journal.state === "switching" ? "interrupted" : "unconfirmed";
  if (journal.from === undefined && reason === "unconfirmed") {
    await confirmSwitch(home, context);
    return;
  }
  const failed = await requireGeneration(home, journal.to);
  if (atBoot && journal.from !== undefined) {
    const previous = await requireGeneration(home, journal.from);
    await returnState(home, failed, context);
    await placeLiveFiles(home, previous, settleCommand(context), context.platform.services);
    await context.platform.services.reload();
    await setLiveGeneration(home, journal.from);
    await clearJournal(home);
  } else {
    await restore(home, journal.from ?? null, failed, context);
  }
  await writeRolledBack(home, { generation: journal.to, reason });
}
