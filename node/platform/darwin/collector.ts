import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../lib/failure.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import type { NodePaths } from "../../lib/paths.ts";
import { userEnvironment } from "./environment.ts";
import { findJob, isDisabled, jobDifferences } from "./launchctl.ts";
import { metricsLabel } from "./names.ts";
import { expectedOf, smallJob } from "./plist.ts";
import type { StartsAt } from "../../protocol.ts";
import type { OsUser } from "../index.ts";

/** What collects the metrics of one gateway. */
export interface Collector {
  readonly gateway: string;
  readonly user: OsUser;
  readonly startsAt: StartsAt;
  readonly argv: readonly string[];
  readonly everySeconds: number;
}

/**
 * The job in `/Library/LaunchDaemons`. launchd starts it as the gateway's user: nothing of it takes root, and what it reads
 * and writes is that user's.
 */
export function renderCollector({ gateway, user, startsAt, argv, everySeconds }: Collector): string {
  return smallJob({
    Label: metricsLabel(gateway),
    UserName: user.name,
    // of an account that somebody logs in to it is the primary one, which is launchd's default
    ...(startsAt === "boot" && { GroupName: user.name }),
    ProgramArguments: argv,
    WorkingDirectory: "/",
    // what launchd sets of these is not the same on every version
    EnvironmentVariables: userEnvironment(user),
    // at once and at a boot, and not only when the first interval has passed
    RunAtLoad: true,
    StartInterval: everySeconds,
    // SIGTERM ends a run in less; launchd's own is 5 s
    ExitTimeOut: 30,
    Umask: 0o077,
    // nobody waits for it: launchd may give it less of processor and disk than the gateway
    ProcessType: "Background",
    SoftResourceLimits: { Core: 0 },
    HardResourceLimits: { Core: 0 },
    StandardInPath: "/dev/null",
    // `gatehouse metrics` says why a run fails
    StandardOutPath: "/dev/null",
    StandardErrorPath: "/dev/null",
  });
}

async function fileDifferences(path: string, content: string): Promise<readonly string[]> {
  let found: string | null;
  try {
    found = await readTextOrNull(path);
  } catch (error) {
    return [`${path} can't be read (${errnoOf(error) ?? "another failure"}), and everybody may`];
  }
  if (found === null) return [`${path} is missing`];
  const stat = await lstat(path);
  const loads = stat.isFile() && stat.uid === 0 && (stat.mode & 0o022) === 0;
  return [
    ...(found === content ? [] : [`${path} does not say what it should`]),
    ...(loads ? [] : [`${path} is no file that root alone can write, and launchd takes no other`]),
  ];
}

/** How the job differs from what is there, in words; empty when it runs as it should. Anybody may look. */
export async function collectorDifferences(paths: NodePaths, collector: Collector): Promise<readonly string[]> {
  const label = metricsLabel(collector.gateway);
  const path = join(paths.daemons, `${label}.plist`);
  const [file, job, disabled] = await Promise.all([
    fileDifferences(path, renderCollector(collector)),
    findJob(label),
    isDisabled(label),
  ]);
  const loaded = async (): Promise<readonly string[]> => {
    if (job === undefined) return [`launchd has not loaded ${label}`];
    // what an edited file says is not what is wanted
    if (file.length > 0) return [];
    return jobDifferences(job, await expectedOf(path)).map((part) => `launchd runs ${label} with another definition: ${part}`); // prettier-ignore
  };
  return [...file, ...(await loaded()), ...(disabled ? [`${label} is disabled and would not start at a boot`] : [])];
}
