import { exec } from "../../lib/exec.ts";
import { errnoOf } from "../../lib/failure.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import { nodePaths } from "../../lib/paths.ts";
import { rootLink } from "../../lib/root-link.ts";
import { collectorDifferences } from "./collector.ts";
import { domainExists, domainOf, findJob, isDisabled, jobDifferences } from "./launchctl.ts";
import type { Domain, Job } from "./launchctl.ts";
import { logPath, readLaunchdLog } from "./log.ts";
import { gatewayOf, startOf } from "./names.ts";
import { expectedOf } from "./plist.ts";
import { lastNotedStart, recentLines } from "./recent-log.ts";
import { darwinUnitFiles, plistPath } from "./unit-files.ts";
import type { LaunchdEvidence, RepeatedJob, Services, UnitState } from "../services.ts";

const RECENT_LINES = 60;

/** launchd's words in those that the rest of this program knows. */
const STATES: Readonly<Record<string, readonly [active: string, sub: string]>> = {
  running: ["active", "running"],
  spawning: ["activating", "start"],
  xpcproxy: ["activating", "start"],
  "spawn scheduled": ["activating", "auto-restart"],
  SIGTERMed: ["deactivating", "stop"],
  SIGKILLed: ["deactivating", "stop"],
};

/** How a job of launchd's is, or one that it does not know. */
export function stateOf(job: Job | undefined): Omit<UnitState, "enabled"> {
  if (job === undefined) return { active: "inactive", sub: "not loaded", mainPid: 0, restarts: 0 };
  const ended = job.lastExit === "" || /^(?:0\b|\(never)/.test(job.lastExit);
  const [active, sub] = STATES[job.state] ?? (ended ? ["inactive", "dead"] : ["failed", `exit ${job.lastExit}`]);
  return { active, sub, mainPid: job.pid, restarts: Math.max(0, job.runs - 1) };
}

/** What launchd says of a job in its own words. */
export function launchdEvidence(job: Job | undefined, disabled: boolean): LaunchdEvidence {
  const exit = job === undefined || job.lastExit.startsWith("(never") ? "" : job.lastExit;
  const ends = [exit, job?.endedBy ?? ""].filter((words) => words !== "");
  return { state: job?.state ?? "not loaded", lastEnd: ends.length === 0 ? null : ends.join(", "), disabled };
}

async function isPlaced(unit: string): Promise<boolean> {
  return (await readTextOrNull(plistPath(unit))) !== null;
}

/** Where launchd has a unit of this process's user. */
function ownDomain(unit: string): Domain {
  return domainOf(startOf(unit), ownUser().uid);
}

async function isEnabled(unit: string): Promise<boolean> {
  return (await isPlaced(unit)) && !(await isDisabled(unit, ownDomain(unit)));
}

/** Nothing of a job that needs no session. */
async function sessionEvidence(unit: string): Promise<Pick<LaunchdEvidence, "session">> {
  return startOf(unit) === "boot" ? {} : { session: await domainExists(ownDomain(unit)) };
}

/** `ps` gives whole seconds, and some count them from a boot time that is rounded, too. */
const CLOCK_MS = 3000;

/** When a process started; null when that cannot be told. Root notes the time just before a start. */
async function startedAt(unit: string, pid: number): Promise<string | null> {
  if (pid === 0) return null;
  const { stdout } = await exec(["/bin/ps", "-o", "lstart=", "-p", String(pid)], {
    timeoutSeconds: 5,
    env: { LC_ALL: "C" },
  });
  const time = Date.parse(stdout.trim());
  if (Number.isNaN(time)) return null;
  const noted = await lastNotedStart(logPath(unit)).catch(() => Number.NaN);
  return new Date(Math.abs(noted - time) < CLOCK_MS ? Math.max(noted, time) : time).toISOString();
}

/** As root would render it for this user: without the link to root, which a job of launchd's has not. */
async function repeatDifferences({ unit, argv, everySeconds }: RepeatedJob): Promise<readonly string[]> {
  return await collectorDifferences(nodePaths(), {
    gateway: gatewayOf(unit),
    user: ownUser(),
    startsAt: startOf(unit),
    argv,
    everySeconds,
  });
}

/** Reads by itself what launchd tells everybody; asks root for every change (docs/decisions/0028). */
export const darwinServices: Services = {
  ...darwinUnitFiles,
  async state(unit) {
    const [job, enabled] = await Promise.all([findJob(unit, ownDomain(unit)), isEnabled(unit)]);
    return { ...stateOf(job), enabled };
  },
  async inspect(unit) {
    const domain = ownDomain(unit);
    const [job, placed, disabled, session] = await Promise.all([
      findJob(unit, domain),
      isPlaced(unit),
      isDisabled(unit, domain),
      sessionEvidence(unit),
    ]);
    const enabled = placed && !disabled;
    const state = stateOf(job);
    const needsReload =
      job !== undefined && enabled && jobDifferences(job, await expectedOf(plistPath(unit))).length > 0;
    return {
      evidence: {
        ...{ ...state, enabled, startedAt: await startedAt(unit, state.mainPid), dropIns: [], needsReload },
        launchd: { ...launchdEvidence(job, disabled), ...session },
      },
      environment: job?.environment ?? new Map<string, string>(),
    };
  },
  // what every job inherits is launchd's PATH; what was set by hand is in `inspect`, of a session in the process alone
  environment: () => Promise.resolve(new Map<string, string>()),
  unsetEnvironment: () => Promise.resolve(),
  // launchd reads a definition when it is loaded, which `restart` does
  reload: () => Promise.resolve(),
  async enable() {
    await rootLink().ask({ verb: "enable" });
  },
  async restart() {
    await rootLink().ask({ verb: "restart" });
  },
  async disable() {
    await rootLink().ask({ verb: "stop" });
  },
  profile: () => Promise.resolve("launchd"),
  async schedule(_name, seconds) {
    await rootLink().ask({ verb: "schedule", seconds });
  },
  async cancel() {
    await rootLink().ask({ verb: "cancel" });
  },
  async repeat(job) {
    if ((await repeatDifferences(job)).length === 0) return;
    await rootLink().ask({ verb: "repeat", everySeconds: job.everySeconds });
  },
  repeatDifferences,
  async stopRepeating() {
    await rootLink().ask({ verb: "stopRepeating" });
  },
  readLog: (unit, start, take) => readLaunchdLog(unit, logPath(unit), start, take),
  async recentLog(unit, since) {
    const lines = await recentLines(logPath(unit), since).catch((error: unknown) => {
      if (errnoOf(error) === undefined) throw error;
      return [];
    });
    return lines.slice(-RECENT_LINES);
  },
  async log(unit, sinceSeconds) {
    return await recentLines(logPath(unit), new Date(Date.now() - sinceSeconds * 1000));
  },
};
