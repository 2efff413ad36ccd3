import { EXIT, KNOWN_OPTION, PHASES, RESULT_MARK, VISITS } from "./protocol.ts";
import type { MachineExpectation, PhaseName, PhaseResult, VisitName } from "./protocol.ts";
import { runAsUserWith } from "./lib/as-user.ts";
import { killAllCommands } from "./lib/exec.ts";
import { PhaseFailure, toPhaseFailure } from "./lib/failure.ts";
import { checkMachine } from "./lib/machine.ts";
import { nodePaths } from "./lib/paths.ts";
import { redactorFor } from "./lib/redact.ts";
import { openPayload } from "./lib/sealing-key.ts";
import { readPayload } from "./lib/stdin.ts";
import type { Context, Phase, UserCommand } from "./phase.ts";
import { currentPlatform } from "./platform/index.ts";

/** Calls that are no part of an update. */
export interface Visit {
  readonly watchdogSeconds: number;
  readonly run: (payload: unknown, context: Context) => Promise<unknown>;
  readonly userCommands: Readonly<Record<string, UserCommand>>;
}

export interface Program {
  readonly phases: { readonly [N in PhaseName]: Phase<N> };
  readonly visits: { readonly [N in VisitName]: Visit };
  /** `gatehouse-node settle ARG…`: the dead-man timer's call. Runs as the gateway user, without a payload. */
  readonly settle: (args: readonly string[], context: Context) => Promise<void>;
  /** `gatehouse-node collect-metrics`: the metrics timer's call. Runs as the gateway user, without a payload. */
  readonly collectMetrics: (context: Context) => Promise<void>;
}

export const HELP = `usage: gatehouse-node apply|remove PHASE [${KNOWN_OPTION}]   (payload: JSON on stdin)
       gatehouse-node diagnose|way|drift|audit (payload: JSON on stdin; reads only)
       gatehouse-node repair               (payload: JSON on stdin; back to the live generation)
       gatehouse-node rollback-points      (payload: JSON on stdin; reads only)
       gatehouse-node rollback|rollback-confirm (payload: JSON on stdin; to an earlier generation)
       gatehouse-node metrics              (payload: JSON on stdin; collects and shows)
       gatehouse-node settle ARG ...       (called by timers)
       gatehouse-node collect-metrics      (called by a timer)
       gatehouse-node --help

PHASE is one of: ${PHASES.join(", ")}. With ${KNOWN_OPTION} this machine has to have a record of earlier provisioning.
The last line on stdout is '${RESULT_MARK.trim()}' and one JSON object; progress is on stderr.
Exit status: ${Object.entries(EXIT)
  .map(([name, status]) => `${status} ${name}`)
  .join(", ")}.
`;

/** Any phase as the dispatcher sees it: `check` has proven that payload and phase belong together. */
type AnyPhase = Phase<PhaseName> & {
  check(payload: unknown): { readonly machine: MachineExpectation };
};

interface Outcome {
  readonly exit: number;
  readonly line: string;
  /** For people, on stderr; empty after a success. */
  readonly complaint: string;
}

type Job = (context: Context) => Promise<unknown>;

function usage(message: string): PhaseFailure {
  return new PhaseFailure({
    layer: "runtime",
    code: "usage",
    message,
    fix: "see `gatehouse-node --help`",
    exit: EXIT.usage,
  });
}

function isPhaseName(name: string | undefined): name is PhaseName {
  return (PHASES as readonly (string | undefined)[]).includes(name);
}

function isVisitName(name: string | undefined): name is VisitName {
  return (VISITS as readonly (string | undefined)[]).includes(name);
}

/** Ends a job that hangs: aborts what listens to the signal, kills its commands, and fails after a short grace. */
async function withWatchdog<T>(seconds: number, controller: AbortController, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort(timeoutFailure(seconds));
    }, seconds * 1000);
    controller.signal.addEventListener("abort", () => {
      killAllCommands();
      // The grace lets `finally` blocks restore what they hold.
      setTimeout(() => {
        reject(controller.signal.reason as Error);
      }, 5000).unref();
    });
  });
  stopped.catch(() => undefined);
  try {
    return await Promise.race([work(), stopped]);
  } catch (error) {
    // Whatever broke after the abort (killed command, aborted wait) has the abort as its cause.
    throw controller.signal.aborted && !(error instanceof PhaseFailure) ? (controller.signal.reason as Error) : error;
  } finally {
    clearTimeout(timer);
  }
}

function timeoutFailure(seconds: number): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "timeout",
    message: `this phase was not done after ${seconds} s and was ended by its watchdog`,
    fix: "look at the last progress line, then run the same command again: it continues where it can",
    exit: EXIT.unavailable,
  });
}

function interruptedFailure(signal: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "interrupted",
    message: `this phase was ended by ${signal}`,
    fix: "run the same command again",
    exit: EXIT.unavailable,
  });
}

function complaintOf(action: string, failure: PhaseFailure): string {
  return `gatehouse: ${action} failed [${failure.layer}/${failure.code}]: ${failure.message}\n  fix: ${failure.fix}\n`;
}

/** Runs one job with everything around it; never throws. */
async function perform(action: string, watchdogSeconds: number, payload: unknown, job: Job): Promise<Outcome> {
  const redact = redactorFor(payload);
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    controller.abort(interruptedFailure(signal));
  };
  process.on("SIGTERM", interrupt);
  process.on("SIGINT", interrupt);
  let result: PhaseResult<unknown>;
  let exit: number = EXIT.ok;
  let complaint = "";
  try {
    const programFile = process.argv[1] ?? "";
    const printLine = (line: string): void => {
      process.stderr.write(`${redact(line)}\n`);
    };
    const context: Context = {
      platform: currentPlatform(),
      paths: nodePaths(),
      progress: (message) => {
        printLine(`gatehouse: ${message}`);
      },
      signal: controller.signal,
      asUser: runAsUserWith(programFile, printLine),
      programFile,
    };
    result = { ok: true, value: await withWatchdog(watchdogSeconds, controller, () => job(context)) };
  } catch (error) {
    const failure = toPhaseFailure(error);
    complaint = redact(complaintOf(action, failure));
    exit = failure.exit;
    result = { ok: false, error: failure.toPhaseError() };
  }
  return { exit, line: redact(`${RESULT_MARK}${JSON.stringify(result)}`), complaint };
}

interface PhaseCall {
  readonly verb: "apply" | "remove";
  readonly name: PhaseName;
  readonly known: boolean;
}

function beRoot(): void {
  const { geteuid } = process;
  if (geteuid?.() !== 0) {
    throw new PhaseFailure({
      layer: "host",
      code: "not-root",
      message: "phases run as root",
      fix: "connect as root or as a user whose sudo needs no password",
      exit: EXIT.permission,
    });
  }
  process.umask(0o077);
}

async function runPhase(program: Program, { verb, name, known }: PhaseCall): Promise<Outcome> {
  const phase = program.phases[name] as unknown as AnyPhase;
  const received = await readPayload();
  beRoot();
  const payload = await openPayload(received, { paths: nodePaths(), platform: currentPlatform() });
  return await perform(name, phase.watchdogSeconds, payload, async (context) => {
    const checked = phase.check(payload);
    await checkMachine({ ...checked.machine, known }, context);
    return await (verb === "apply" ? phase.apply(checked, context) : phase.remove(checked, context));
  });
}

async function runInternal(program: Program, name: string): Promise<Outcome> {
  const commands: Record<string, UserCommand> = {};
  for (const { userCommands } of [...Object.values(program.phases), ...Object.values(program.visits)])
    Object.assign(commands, userCommands);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw usage(`no internal step '${name}'`);
  const payload = await readPayload();
  process.umask(0o077);
  // The caller's own timeout ends this process; the bound here only catches an orphan.
  const outcome = await perform(name, 1800, payload, (context) => command(payload, context));
  // The phase that called this step tells people.
  return { ...outcome, complaint: "" };
}

async function dispatch(program: Program, args: readonly string[]): Promise<Outcome | undefined> {
  const [verb, name, ...rest] = args;
  if (verb === "--help" || verb === "-h") {
    process.stdout.write(HELP);
    return undefined;
  }
  if (verb === "apply" || verb === "remove") {
    if (!isPhaseName(name)) throw usage(`no phase '${name ?? ""}'; phases: ${PHASES.join(", ")}`);
    const [option, ...more] = rest;
    if (more.length > 0 || (option !== undefined && option !== KNOWN_OPTION))
      throw usage(`unknown argument '${option ?? ""}'`);
    return await runPhase(program, { verb, name, known: option === KNOWN_OPTION });
  }
  if (verb === "internal" && name !== undefined && rest.length === 0) return await runInternal(program, name);
  if (isVisitName(verb) && name === undefined) {
    const payload = await readPayload();
    beRoot();
    // no machine check: it would record an unknown machine, and another machine is one of the answers
    const { watchdogSeconds, run } = program.visits[verb];
    return await perform(verb, watchdogSeconds, payload, (context) => run(payload, context));
  }
  if (verb === "settle") {
    process.umask(0o077);
    return await perform("settle", 600, undefined, (context) => program.settle(args.slice(1), context));
  }
  if (verb === "collect-metrics" && name === undefined) {
    process.umask(0o077);
    return await perform("collect-metrics", 110, undefined, (context) => program.collectMetrics(context));
  }
  throw usage(verb === undefined ? "no command given" : `unknown command '${verb}'`);
}

/** Entry point of the bundled program; ends the process. */
export async function main(program: Program, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // A cut SSH connection closes the pipes (EPIPE) or hangs up: the phase still runs to its end.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  process.on("SIGHUP", () => undefined);
  let outcome: Outcome;
  try {
    outcome = (await dispatch(program, args)) ?? { exit: EXIT.ok, line: "", complaint: "" };
  } catch (error) {
    const failure = toPhaseFailure(error);
    outcome = {
      exit: failure.exit,
      complaint: complaintOf(args.slice(0, 2).join(" "), failure),
      line: `${RESULT_MARK}${JSON.stringify({ ok: false, error: failure.toPhaseError() })}`,
    };
  }
  process.stderr.write(outcome.complaint);
  if (outcome.line !== "") await new Promise((resolve) => process.stdout.write(`${outcome.line}\n`, resolve));
  process.exit(outcome.exit);
}
