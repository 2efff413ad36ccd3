import { setTimeout as sleep } from "node:timers/promises";
import { endpointOf } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { redactSecrets } from "../generation/variables.ts";
import { askGateway } from "../lib/gateway-http.ts";
import { member } from "../lib/member.ts";
import { oneLine } from "../openclaw/cli.ts";
import type { Context } from "../phase.ts";
import { gateFailure } from "./gate-failure.ts";

const POLL_MS = 100;
/** Ask the service manager at every tenth poll: it costs a process. */
const POLLS_PER_STATE = 10;
/** Signs of a cause in the vendor's log, the surest first. */
const TELLING = [
  /failed to start|^error:/i,
  /fail|error|refus|invalid|unavailable|denied|in use|not recogni|unknown|cannot|unable|missing|not found/i,
  /./,
];
/**
 * No cause: the manager's bookkeeping, and the vendor's complaint that it cannot ask the manager, whose sockets the unit
 * keeps from it on purpose.
 */
const NO_CAUSE = /systemd stop timeout|shutdown budget|^(Start|Stopp)(ed|ing) |Failed with result|Scheduled restart/;
/**
 * The vendor's command line, which just ran, may still hold the state's lock on a busy machine (seen twice in some hundred
 * starts, 2026.9.6). The gateway then ends in a way that its unit takes as final.
 */
const PASSING = /StateDatabaseCoordinatorContention/;
const PASSING_STARTS = 2;

async function answerOf(generation: StoredGeneration, path: string, signal: AbortSignal): Promise<unknown> {
  try {
    const { body } = await askGateway(endpointOf(generation), path, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
    });
    return JSON.parse(body) as unknown;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function mostTelling(lines: readonly string[]): string | undefined {
  return TELLING.map((pattern) => lines.findLast((text) => pattern.test(text))).find((found) => found !== undefined);
}

/** The last telling line of the unit's log, without any credential. */
async function causeFromLog(generation: StoredGeneration, since: Date, context: Context): Promise<string> {
  const { unit } = generation.manifest;
  const lines = (await context.platform.services.recentLog(unit, since)).filter((line) => !NO_CAUSE.test(line));
  const own = lines.filter((line) => !line.startsWith(unit));
  // a process that could not even be started has only the manager to speak for it
  const line = mostTelling(own) ?? mostTelling(lines);
  return line === undefined ? "" : `: ${redactSecrets(generation, oneLine(line))}`;
}

/** What is known of a start while it is watched. */
interface Watch {
  since: Date;
  /** How often it was started anew. */
  starts: number;
}

export interface StartWatch {
  /** When the start began; what the unit logged earlier is no cause of its failure. Default: now. */
  readonly since?: Date;
  /** Called once, when the gateway answers at all. */
  readonly onListening?: () => void;
  /** Called once, when it answers ready. */
  readonly onReady?: () => void;
}

/**
 * Waits until the gateway answers ready with the generation's version.
 * @throws {PhaseFailure} `start-failed` as soon as the process ended, `not-ready` at the time limit, `wrong-version`.
 */
export async function waitUntilReady(
  generation: StoredGeneration,
  context: Context,
  { since = new Date(), onListening, onReady }: StartWatch = {},
): Promise<void> {
  const { manifest } = generation;
  let announced = false;
  const watch: Watch = { since, starts: 0 };
  const deadline = performance.now() + manifest.readyTimeoutSeconds * 1000;
  for (let poll = 0; performance.now() < deadline; poll += 1) {
    const ready = await answerOf(generation, "/readyz", context.signal);
    if (ready !== undefined && !announced) {
      announced = true;
      onListening?.();
    }
    if (member(ready, "ready") === true) {
      await checkVersion(generation, context);
      onReady?.();
      return;
    }
    if (poll % POLLS_PER_STATE === POLLS_PER_STATE - 1) await failIfEnded(generation, watch, context);
    await sleep(POLL_MS, undefined, { signal: context.signal });
  }
  await failIfEnded(generation, watch, context);
  throw gateFailure(
    "gateway session",
    "not-ready",
    `the gateway was not ready after ${manifest.readyTimeoutSeconds} s${await causeFromLog(generation, since, context)}`,
    "check the load and memory of the node (a start takes 10 to 30 s), then run the same command again",
  );
}

async function failIfEnded(generation: StoredGeneration, watch: Watch, context: Context): Promise<void> {
  const { unit } = generation.manifest;
  const { services } = context.platform;
  const state = await services.state(unit);
  if (state.active !== "failed" && state.sub !== "auto-restart" && state.restarts === 0) return;
  const cause = await causeFromLog(generation, watch.since, context);
  if (PASSING.test(cause)) {
    if (state.active !== "failed" && state.restarts <= PASSING_STARTS) return;
    if (state.active === "failed" && watch.starts < PASSING_STARTS) {
      watch.starts += 1;
      watch.since = new Date();
      context.progress(`starting ${unit} again: the vendor's own lock was in the way`);
      await services.restart(unit);
      return;
    }
  }
  throw gateFailure(
    "gateway session",
    "start-failed",
    `the gateway ended while it started${cause}`,
    `read the cause above; the whole log: ${context.platform.hints.log(unit)}`,
  );
}

async function checkVersion(generation: StoredGeneration, context: Context): Promise<void> {
  const { manifest } = generation;
  const started = await answerOf(generation, "/startupz", context.signal);
  const version = member(started, "version");
  if (member(started, "ok") === true && version === manifest.openclawVersion) return;
  throw gateFailure(
    "runtime",
    "wrong-version",
    `OpenClaw ${typeof version === "string" ? oneLine(version) : "of an unknown version"} answers on port ${manifest.port}, expected ${manifest.openclawVersion}`,
    `find out what else listens on that port: \`${context.platform.hints.listener(manifest.port)}\``,
  );
}
