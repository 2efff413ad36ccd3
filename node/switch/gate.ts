import { setTimeout as sleep } from "node:timers/promises";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { askGateway } from "../lib/gateway-http.ts";
import { member } from "../lib/member.ts";
import { EXIT } from "../protocol.ts";
import type { Layer, RotationProof } from "../protocol.ts";
import type { Context } from "../phase.ts";
import { agentsWithKeyFile } from "../generation/manifest.ts";
import { endpointOf } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { redactSecrets } from "../generation/variables.ts";
import { OpenclawCli, complaint, oneLine } from "../openclaw/cli.ts";
import type { Answer } from "../openclaw/cli.ts";
import { liveConfigMatches } from "./live-files.ts";
import { proveRotation } from "./proof.ts";

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
/** `models status --check`: 0 usable, 2 usable but expiring (facts: openclaw.md 3). */
const USABLE = new Set<number | null>([0, 2]);

function gateFailure(layer: Layer, code: string, message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer, code, message, fix, exit: EXIT.gate });
}

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
    `read the cause above; the whole log: \`journalctl --user --unit ${unit}\` as the gateway user`,
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
    "find out what else listens on that port: `ss -ltnp`",
  );
}

function checkStatus(answer: Answer, cli: OpenclawCli): void {
  const { json } = answer;
  const audit = member(json, "service", "configAudit");
  if (member(json, "service", "loaded") !== true || member(audit, "ok") !== true) {
    const issues = (member(audit, "issues") as readonly unknown[] | undefined) ?? [];
    const codes = issues.map((issue) => String(member(issue, "code")));
    throw gateFailure(
      "config or disk",
      "unit-audit",
      `OpenClaw finds fault with the service definition: ${codes.length === 0 ? "it is not loaded" : codes.join(", ")}`,
      "report it with this message: the unit is rendered by Gatehouse; run `openclaw gateway status` on the node for details",
    );
  }
  if (answer.result.status === 0 && member(json, "rpc", "ok") === true) return;
  const failure = member(json, "rpc", "connectFailure");
  const detail = member(failure, "detailCode") ?? member(failure, "kind");
  const error = member(json, "rpc", "error");
  throw gateFailure(
    "gateway session",
    typeof detail === "string" ? detail.toLowerCase().replaceAll("_", "-") : "rpc",
    `a session with the gateway token is not possible: ${cli.redact(typeof error === "string" ? oneLine(error) : complaint(answer))}`,
    "the gateway runs, but does not accept the token of its own environment file; look at `gateway.auth` in openclaw.json",
  );
}

/** Only profiles that rest after an earlier refusal of the provider: that says nothing about the key they have now. */
function onlyCoolingDown(json: unknown): boolean {
  const auth = member(json, "auth");
  const unusable = (member(auth, "unusableProfiles") as readonly unknown[] | undefined) ?? [];
  const missing = (member(auth, "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  return (
    unusable.length > 0 && missing.length === 0 && unusable.every((profile) => member(profile, "kind") === "cooldown")
  );
}

/**
 * Nothing is known to be wrong and the key is in a file: OpenClaw's command line confirms keys of variables only
 * (measured, 2026.9.6: `indeterminate` also for one that the gateway reads well).
 */
function onlyIndeterminate(json: unknown): boolean {
  const auth = member(json, "auth");
  const unusable = (member(auth, "unusableProfiles") as readonly unknown[] | undefined) ?? [];
  const missing = (member(auth, "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  const issues = (member(auth, "modelRouteIssues") as readonly unknown[] | undefined) ?? [];
  return (
    unusable.length + missing.length === 0 &&
    issues.length > 0 &&
    issues.every((issue) => member(issue, "kind") === "indeterminate")
  );
}

function checkAgent(
  agent: string,
  answer: Answer,
  { cli, generation, context }: { cli: OpenclawCli; generation: StoredGeneration; context: Context },
): void {
  if (USABLE.has(answer.result.status)) return;
  if (agentsWithKeyFile(generation.manifest).includes(agent) && onlyIndeterminate(answer.json)) {
    context.progress(`agent '${agent}': OpenClaw cannot confirm a key from a file; its next turn shows it`);
    return;
  }
  if (onlyCoolingDown(answer.json)) {
    context.progress(`agent '${agent}': its provider refused the previous key; OpenClaw waits before it tries again`);
    return;
  }
  const missing = (member(answer.json, "auth", "missingProvidersInUse") as readonly unknown[] | undefined) ?? [];
  const [issue] = (member(answer.json, "auth", "modelRouteIssues") as readonly unknown[] | undefined) ?? [];
  const cause =
    missing.length > 0
      ? `no usable key for ${missing.map(String).join(", ")}`
      : cli.redact(
          issue === undefined ? complaint(answer) : oneLine(String(member(issue, "message") ?? member(issue, "kind"))),
        );
  throw gateFailure(
    "provider credential",
    "agent-credential",
    `agent '${agent}' cannot use its model: ${cause}`,
    `check the credential of agent '${agent}' in the spec and in the secret manager`,
  );
}

function askAgent(cli: OpenclawCli, id: string): Promise<Answer> {
  return cli.run(["models", "status", "--json", "--check", "--agent", id]);
}

function askStatus(cli: OpenclawCli): Promise<Answer> {
  return cli.run(["gateway", "status", "--json", "--require-rpc"]);
}

/**
 * What OpenClaw's own commands are asked: all of it while the process starts, the session alone once it is ready, or
 * nothing, where neither configuration nor token is another one.
 */
export type VendorChecks = "everything" | "session" | "nothing";

export interface GateOptions extends Omit<StartWatch, "onListening"> {
  readonly checks: VendorChecks;
  /** The last confirmed generation, whose token has to be refused if it is another one; null when there is none. */
  readonly before: StoredGeneration | null;
}

/**
 * Waits for a generation that was just started, and for everything it has to show before it is live: the vendor's own
 * view as far as `checks` says, the credentials of the running process, and a configuration that still means what was
 * written.
 */
export async function passGate(
  home: GatewayHome,
  generation: StoredGeneration,
  context: Context,
  { checks, before, ...watch }: GateOptions,
): Promise<RotationProof> {
  if (checks === "everything") await allChecks(generation, context, { before, ...watch });
  else await waitUntilReady(generation, context, watch);
  const proof = await proveRotation(generation, before, context);
  if (checks === "session") {
    const cli = await OpenclawCli.of(generation);
    checkStatus(await askStatus(cli), cli);
  }
  if (!(await liveConfigMatches(home, generation))) {
    throw gateFailure(
      "config or disk",
      "config-changed",
      "openclaw.json no longer says what was written: something rewrote it while the gateway started",
      "find out what else manages this gateway (an `openclaw doctor --fix`, a configuration management tool)",
    );
  }
  return proof;
}

/**
 * A start leaves half of two processors idle, so the vendor's commands begin before it is done: the agents' at once, the
 * session's when the gateway listens (measured: five seconds of every change). One that was too early is run again.
 * A first start makes the vendor's database and wants it for itself: there the agents' commands wait, too (seen with four
 * agents: `StateDatabaseCoordinatorContentionError`, and the start was over).
 */
async function allChecks(
  generation: StoredGeneration,
  context: Context,
  { before, ...watch }: Omit<GateOptions, "checks">,
): Promise<void> {
  const cli = await OpenclawCli.of(generation);
  const agents = generation.manifest.agents.map(({ id }) => id);
  const early = new Map<string, Promise<Answer>>();
  const askAgents = (): void => {
    for (const id of agents) if (!early.has(id)) early.set(id, begun(askAgent(cli, id)));
  };
  let status: Promise<Answer> | undefined;
  try {
    if (before !== null) askAgents();
    const onListening = (): void => {
      askAgents();
      status = begun(askStatus(cli));
    };
    await waitUntilReady(generation, context, { ...watch, onListening });
  } finally {
    // Whatever follows must find no command at work on this gateway's state.
    await Promise.allSettled([...early.values(), status]);
  }
  const [statusAnswer, ...answers] = await Promise.all([
    orAgain(status, () => askStatus(cli)),
    ...agents.map(async (id) => [id, await orAgain(early.get(id), () => askAgent(cli, id))] as const),
  ]);
  checkStatus(statusAnswer, cli);
  for (const [agent, answer] of answers) checkAgent(agent, answer, { cli, generation, context });
}

/**
 * Makes the running gateway read its key file again.
 * @throws {PhaseFailure} `secrets-reload` when it does not, or goes on with an earlier key.
 */
export async function reloadSecrets(generation: StoredGeneration): Promise<void> {
  const cli = await OpenclawCli.of(generation);
  const answer = await cli.run(["secrets", "reload", "--json"]);
  // a key that cannot be read is a warning to OpenClaw: it goes on with the one before
  if (answer.result.status === 0 && member(answer.json, "ok") === true && member(answer.json, "warningCount") === 0)
    return;
  throw gateFailure(
    "provider credential",
    "secrets-reload",
    `the running gateway did not take its keys from the file again: ${cli.redact(complaint(answer))}`,
    "read the unit's log for SECRETS_DEGRADED, which names the owner; the keys before are in force",
  );
}

/** A command at work beside the start. That it could not be run at all is told when its answer is read, not before. */
function begun(answer: Promise<Answer>): Promise<Answer> {
  answer.catch(() => undefined);
  return answer;
}

/** The early answer if it is a good one, else the answer of now. */
async function orAgain(early: Promise<Answer> | undefined, ask: () => Promise<Answer>): Promise<Answer> {
  const answer = await early;
  return answer?.result.status === 0 ? answer : await ask();
}
