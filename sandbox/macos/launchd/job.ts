import { nextCalendarTime } from "./calendar.ts";
import type { JobDefinition } from "./definition.ts";

/** How a process ended: with a status or by a signal. */
export type Ending = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** Words of `launchctl print`; source: captures in facts/macos.md 1.4. `xpcproxy` passes too quickly to be imitated. */
export type JobState = "not running" | "spawn scheduled" | "spawning" | "running" | "SIGTERMed" | "SIGKILLed";

export interface Job {
  readonly definition: JobDefinition;
  readonly path: string;
  state: JobState;
  pid: number | undefined;
  runs: number;
  /** Milliseconds of the last start. */
  lastSpawn: number | undefined;
  lastEnding: Ending | undefined;
  /** When it is started next. */
  dueAt: number | undefined;
  /** When SIGKILL follows the SIGTERM. */
  killAt: number | undefined;
  /** Booted out; gone when its process has ended. */
  leaving: boolean;
  /** `kickstart -k` ended it: no throttling then. */
  restartAtOnce: boolean;
  /** Consecutive runs that were shorter than the throttle interval. */
  shortRuns: number;
  reason: "speculative" | "non-ipc demand" | "inefficient";
  /** Tickets of the `kickstart`s that wait for a start. */
  readonly waiting: number[];
}

/** After so many short runs the respawn is pushed out further each time. The number is ours: nothing public gives it. */
const PATIENT_RUNS = 5;
/** Ceiling of the back-off seen on a real machine (facts/macos.md 1.5). */
const LONGEST_BACKOFF_SECONDS = 1200;

export function newJob(definition: JobDefinition, path: string, now: number): Job {
  const job: Job = {
    definition,
    path,
    state: "not running",
    pid: undefined,
    runs: 0,
    lastSpawn: undefined,
    lastEnding: undefined,
    dueAt: undefined,
    killAt: undefined,
    leaving: false,
    restartAtOnce: false,
    shortRuns: 0,
    reason: "speculative",
    waiting: [],
  };
  job.dueAt = timerDue(job, now);
  return job;
}

/** When the timers of a definition start it next: StartInterval, StartCalendarInterval. */
function timerDue({ definition }: Job, now: number): number | undefined {
  const times = definition.startCalendar.map((entry) => nextCalendarTime(entry, now));
  if (definition.startInterval !== undefined) times.push(now + definition.startInterval * 1000);
  return times.length === 0 ? undefined : Math.min(...times);
}

/**
 * With `now`, the next start that timers ask for; without, the earliest moment the throttle allows one, counted from the
 * last start (man launchd.plist, ThrottleInterval).
 */
export function nextDue(job: Job): number;
export function nextDue(job: Job, now: number): number | undefined;
export function nextDue(job: Job, now?: number): number | undefined {
  if (now !== undefined) return timerDue(job, now);
  return job.lastSpawn === undefined ? 0 : job.lastSpawn + job.definition.throttleInterval * 1000;
}

export function isDue(job: Job, now: number): boolean {
  if (job.dueAt === undefined || now < job.dueAt || job.leaving) return false;
  return job.state === "not running" || job.state === "spawn scheduled";
}

/** When a job whose process has just ended is started again; undefined: by its timers only, or not at all. */
export function afterExit(job: Job, ending: Ending, now: number): number | undefined {
  const { throttleInterval } = job.definition;
  const ran = now - (job.lastSpawn ?? now);
  job.shortRuns = ran < throttleInterval * 1000 ? job.shortRuns + 1 : 0;
  if (!wantsRestart(job.definition, ending)) return undefined;
  const doublings = Math.max(0, job.shortRuns - PATIENT_RUNS);
  const seconds = Math.min(throttleInterval * 2 ** doublings, Math.max(throttleInterval, LONGEST_BACKOFF_SECONDS));
  return Math.max(now, (job.lastSpawn ?? now) + seconds * 1000);
}

/** Man launchd.plist, KeepAlive: the conditions are ORed. */
function wantsRestart({ keepAlive }: JobDefinition, ending: Ending): boolean {
  if (typeof keepAlive === "boolean") return keepAlive;
  const succeeded = "code" in ending && ending.code === 0;
  const crashed = "signal" in ending;
  const bySuccess = keepAlive.successfulExit !== undefined && keepAlive.successfulExit === succeeded;
  return bySuccess || (keepAlive.crashed !== undefined && keepAlive.crashed === crashed);
}
