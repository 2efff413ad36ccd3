import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../../protocol.ts";
import { describeEnd, exec } from "../../lib/exec.ts";
import type { ExecResult } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import type { StartsAt } from "../../protocol.ts";

/** macOS has no `timeout`, and `kickstart` can hang on a throttled job: every call has a limit (facts: macos.md 1.3). */
const CALL_SECONDS = 20;
const POLL_MS = 500;
/** Longer than `ExitTimeOut` of our jobs, 330 s: launchd kills what is left then. */
const GONE_SECONDS = 345;
const BOOTSTRAP_TRIES = 20;
const START_SECONDS = 15;

/** Exit statuses of launchctl that mean something by themselves; `launchctl error N` names them. */
const NO_SUCH_PROCESS = 3;
const NO_SUCH_SERVICE = 113;
/** Of `gui/UID`: nobody has logged in since the boot, or somebody has and is gone (facts: macos.md 1.1). */
const NO_SUCH_DOMAIN = 112;
const NO_SESSION = 125;
/** Catch-all: still tearing down, already loaded, a bad file. Never a success. */
const INPUT_OUTPUT_ERROR = 5;
const IN_PROGRESS = [36, 37] as const;

export interface Job {
  /** launchd's word: `running`, `spawn scheduled`, `not running`, … */
  readonly state: string;
  /** 0 when nothing runs. */
  readonly pid: number;
  /** Starts since it was loaded. */
  readonly runs: number;
  /** Seconds from one start to the next; null where launchd shows none. */
  readonly interval: number | null;
  /** `0`, `78: EX_CONFIG`, `(never exited)`; empty when a signal ended it. */
  readonly lastExit: string;
  /** The file that it was loaded from. */
  readonly path: string;
  /** What ended it where no exit code did: `Terminated: 15`, `OS_REASON_CODESIGNING`; empty otherwise. */
  readonly endedBy: string;
  readonly arguments: readonly string[];
  /** What it was loaded with and launchd's own additions. */
  readonly environment: ReadonlyMap<string, string>;
}

export async function launchctl(...args: readonly string[]): Promise<ExecResult> {
  return await exec(["/bin/launchctl", ...args], { timeoutSeconds: CALL_SECONDS, keepBytes: 4 * 1024 * 1024 });
}

/** Where launchd has a job: for the whole machine, or in the session of a user at the screen. */
export type Domain = "system" | `gui/${number}`;
const SYSTEM: Domain = "system";

export function domainOf(startsAt: StartsAt, uid: number): Domain {
  return startsAt === "boot" ? SYSTEM : `gui/${uid}`;
}

export function target(label: string, domain: Domain = SYSTEM): string {
  return `${domain}/${label}`;
}

function isNoSession({ status, stderr }: ExecResult): boolean {
  return status === NO_SUCH_DOMAIN || status === NO_SESSION || /could not find domain/i.test(stderr);
}

/**
 * Whether a domain is there: a session is not, until its user has logged in at the screen.
 * @throws {PhaseFailure} `launchd` when launchd gives no answer: that proves nothing.
 */
export async function domainExists(domain: Domain): Promise<boolean> {
  if (domain === SYSTEM) return true;
  const result = await launchctl("print", domain);
  if (result.status === 0) return true;
  if (isNoSession(result)) return false;
  throw failure(`launchd was asked for ${domain}`, result, `run \`launchctl print ${domain}\` on the node`);
}

function block(text: string, name: string): string[] {
  const lines = text.split("\n");
  const start = lines.indexOf(`\t${name} = {`);
  if (start < 0) return [];
  const end = lines.indexOf("\t}", start);
  return lines.slice(start + 1, end < 0 ? lines.length : end).map((line) => line.replace(/^\t\t/, ""));
}

/**
 * What `launchctl print` says of a job. Its output is no interface: only lines with exactly one tab are read, since nested
 * blocks repeat their names; what is unknown is passed over.
 */
export function parseJob(text: string): Job {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\t([^\t=][^=]*?) = (.*)$/.exec(line);
    if (match !== null && match[2] !== "{") values.set(match[1] ?? "", match[2] ?? "");
  }
  const number = (name: string): number => Number(/^\d+/.exec(values.get(name) ?? "")?.[0] ?? 0);
  return {
    state: values.get("state") ?? "",
    pid: number("pid"),
    runs: number("runs"),
    interval: values.has("run interval") ? number("run interval") : null,
    lastExit: values.get("last exit code") ?? "",
    path: values.get("path") ?? "",
    endedBy: values.get("last terminating signal") ?? values.get("last exit reason") ?? "",
    arguments: block(text, "arguments"),
    environment: new Map(
      block(text, "environment").flatMap((line) => {
        const at = line.indexOf(" => ");
        return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 4)] as const];
      }),
    ),
  };
}

function failure(message: string, result: ExecResult, fix: string): PhaseFailure {
  const detail = result.stderr.trim().split("\n").at(-1) ?? "";
  return new PhaseFailure({
    layer: "host",
    code: "launchd",
    message: `${message} (${describeEnd(result)})${detail === "" ? "" : `: ${detail}`}`,
    fix,
    exit: EXIT.unavailable,
  });
}

/**
 * A job; undefined when launchd does not know it, which includes that of a session that is not there.
 * @throws {PhaseFailure} `launchd` when launchd gives no answer: that proves nothing.
 */
export async function findJob(label: string, domain: Domain = SYSTEM): Promise<Job | undefined> {
  const service = target(label, domain);
  const result = await launchctl("print", service);
  if (result.status === 0) return parseJob(result.stdout);
  if (result.status === NO_SUCH_SERVICE || /could not find service/i.test(result.stderr)) return undefined;
  if (domain !== SYSTEM && isNoSession(result)) return undefined;
  throw failure(`launchd was asked for ${label}`, result, `run \`launchctl print ${service}\` on the node`);
}

/** Whether a label must not be started; no entry means that it may, and a session that is not there has none to show. */
export async function isDisabled(label: string, domain: Domain = SYSTEM): Promise<boolean> {
  const result = await launchctl("print-disabled", domain);
  if (domain !== SYSTEM && isNoSession(result)) return false;
  if (result.status !== 0) throw failure("launchd was asked what is disabled", result, `see \`launchctl print-disabled ${domain}\``); // prettier-ignore
  const entry = result.stdout.split("\n").find((line) => line.trim().startsWith(`"${label}" =>`));
  return entry !== undefined && /=> (?:disabled|true)$/.test(entry.trim());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Takes a job out of launchd; returns when neither it nor its process is there. One that does not exist is fine. */
export async function bootOut(label: string, domain: Domain = SYSTEM): Promise<void> {
  const job = await findJob(label, domain);
  if (job === undefined) return;
  const asked = await launchctl("bootout", target(label, domain));
  const deadline = performance.now() + GONE_SECONDS * 1000;
  // bootout returns while the process still stops: what counts is that both are gone
  while ((await findJob(label, domain)) !== undefined || (job.pid !== 0 && isAlive(job.pid))) {
    const refused = asked.status !== 0 && asked.status !== NO_SUCH_PROCESS && !isPassing(asked.status);
    if (refused || performance.now() > deadline)
      throw failure(
        `launchd does not let go of ${label}`,
        asked,
        `look at \`launchctl print ${target(label, domain)}\``,
      );
    await sleep(POLL_MS);
  }
}

function isPassing(status: number | null): boolean {
  return status === INPUT_OUTPUT_ERROR || (IN_PROGRESS as readonly (number | null)[]).includes(status);
}

export async function enable(label: string, domain: Domain = SYSTEM): Promise<void> {
  const result = await launchctl("enable", target(label, domain));
  if (result.status !== 0) throw failure(`${label} cannot be enabled`, result, "run the same command again as root");
}

/**
 * Loads a job from its file. An entry that disabled the label once outlives the file, so it is enabled first; 5 may
 * mean that launchd is still busy with the one before, so it is asked again, and the last answer is the one that is told.
 */
export async function bootstrap(label: string, path: string, domain: Domain = SYSTEM): Promise<void> {
  await enable(label, domain);
  let result = await launchctl("bootstrap", domain, path);
  for (let attempt = 1; attempt < BOOTSTRAP_TRIES && isPassing(result.status); attempt += 1) {
    await sleep(POLL_MS);
    result = await launchctl("bootstrap", domain, path);
  }
  if (result.status === 0) return;
  throw failure(
    `launchd refuses ${path}`,
    result,
    "read `log show --last 5m --predicate 'process == \"launchd\"'` as root",
  );
}

/** What a job has to have been loaded with, read from its own file. */
export interface Expected {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds; of a job that is started again and again. */
  readonly interval?: number;
}

/** Where a loaded job differs from its file, in words; empty when it does not. */
export function jobDifferences(job: Job, expected: Expected): readonly string[] {
  const sameArguments = JSON.stringify(job.arguments) === JSON.stringify(expected.arguments);
  const other = Object.entries(expected.environment).filter(
    ([name, value]) => (job.environment.get(name) ?? "") !== value,
  );
  // not every version prints it
  const otherInterval = expected.interval !== undefined && job.interval !== null && job.interval !== expected.interval;
  return [
    ...(sameArguments ? [] : ["its arguments"]),
    ...other.map(([name]) => `its variable ${name}`),
    ...(otherInterval ? ["its interval"] : []),
  ];
}

/** The running job of a label, asked to start if launchd only loaded it. */
export async function ensureRunning(label: string, domain: Domain = SYSTEM): Promise<Job> {
  const deadline = performance.now() + START_SECONDS * 1000;
  let kicked: ExecResult | undefined;
  for (;;) {
    const job = await findJob(label, domain);
    if (job !== undefined && job.pid !== 0) return job;
    if (performance.now() > deadline) {
      throw new PhaseFailure({
        layer: "host",
        code: "launchd",
        message: `${label} was loaded and does not run: ${job === undefined ? "launchd does not know it" : `${job.state}, last exit ${job.lastExit}`}`,
        fix: `78 means that its folder, its log or its program is missing; see \`launchctl print ${target(label, domain)}\``,
        exit: EXIT.unavailable,
      });
    }
    // without -k: that one kills, and can hang on a throttled job
    kicked ??= await launchctl("kickstart", target(label, domain));
    await sleep(POLL_MS / 5);
  }
}

/** Stops, loads anew and starts a job, and proves that what runs is what its file says. */
export async function reloadJob(
  label: string,
  path: string,
  expected: Expected,
  domain: Domain = SYSTEM,
): Promise<Job> {
  await bootOut(label, domain);
  await bootstrap(label, path, domain);
  const job = await ensureRunning(label, domain);
  prove(job, { service: target(label, domain), path, expected });
  return job;
}

/** Loads a job anew that runs now and then, and proves that launchd has what its file says; it need not run right now. */
export async function loadJob(label: string, path: string, expected: Expected): Promise<void> {
  await bootOut(label);
  await bootstrap(label, path);
  prove(await findJob(label), { service: target(label), path, expected });
}

function prove(
  job: Job | undefined,
  { service, path, expected }: { readonly service: string; readonly path: string; readonly expected: Expected },
): void {
  const differences = job === undefined ? ["launchd does not know it"] : jobDifferences(job, expected);
  if (differences.length === 0) return;
  throw new PhaseFailure({
    layer: "host",
    code: "launchd",
    message: `launchd has ${service} with another definition than ${path}: ${differences.join(", ")}`,
    fix: `take it out by hand, \`launchctl bootout ${service}\`, then run the same command again`,
    exit: EXIT.unavailable,
  });
}
