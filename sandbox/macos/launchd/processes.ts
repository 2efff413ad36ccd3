import { spawn } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { findGroup, findUser, type Account } from "../directory/accounts.ts";
import { PATHS } from "../paths.ts";
import type { JobDefinition } from "./definition.ts";
import type { Ending } from "./job.ts";

/** man launchd.plist, facts/macos.md 1.5: what a daemon finds in its environment, whoever it runs as. */
const DEFAULT_PATH = "/usr/bin:/bin:/usr/sbin:/sbin";
const LAUNCHD_UMASK = 0o022;

/** Environment of a job: nothing of launchd's own. A daemon has no HOME and the like, as some releases leave them out. */
function environmentOf(definition: JobDefinition, owner: Account | undefined): Record<string, string> {
  const session = owner === undefined ? {} : { HOME: owner.home, USER: owner.name, LOGNAME: owner.name };
  return { PATH: DEFAULT_PATH, ...session, ...definition.environment, XPC_SERVICE_NAME: definition.label };
}

/** Options of setpriv(1) that become the job's user; undefined when there is no such user or group. */
function identityOf(definition: JobDefinition, owner: Account | undefined): readonly string[] | undefined {
  // man launchd.plist: UserName and GroupName are for the system domain alone
  if (owner !== undefined) return [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, "--init-groups"];
  if (definition.userName === undefined && definition.groupName === undefined) return [];
  const user = definition.userName === undefined ? { uid: 0, gid: 0 } : findUser(definition.userName);
  const group = definition.groupName === undefined ? user?.gid : findGroup(definition.groupName)?.gid;
  if (user === undefined || group === undefined) return undefined;
  const groups = definition.initGroups && definition.userName !== undefined ? "--init-groups" : "--clear-groups";
  return [`--reuid=${user.uid}`, `--regid=${group}`, groups];
}

/** A missing folder of a log is made by launchd, as root and for root alone (facts/macos.md 1.5). */
function makeLogFolders(definition: JobDefinition): void {
  for (const path of [definition.standardOut, definition.standardError]) {
    if (path === undefined) continue;
    const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined) chownSync(made, 0, 0);
  }
}

/**
 * Starts the process of a job in a process group of its own; returns its pid. `ended` is told once how it ended, also
 * when it could not be started: then with 78.
 * @param owner of the session that it belongs to; undefined for a daemon.
 */
export function startProcess(
  definition: JobDefinition,
  owner: Account | undefined,
  ended: (ending: Ending) => void,
): number {
  const identity = identityOf(definition, owner);
  makeLogFolders(definition);
  const { soft, hard } = definition.openFiles;
  const limit = soft === undefined && hard === undefined ? [] : [`--nofile=${soft ?? ""}:${hard ?? ""}`];
  const child = spawn(
    `${PATHS.linux}/bin/prlimit`,
    [
      ...[...limit, "--core=0:"],
      ...["--", `${PATHS.linux}/bin/setpriv`, ...(identity ?? []), "--"],
      ...(identity === undefined
        ? [`${PATHS.linux}/bin/sh`, "-c", "exit 78"]
        : [`${PATHS.linux}/bin/dash`, PATHS.xpcproxy]),
      (definition.umask ?? LAUNCHD_UMASK).toString(8),
      ...[definition.workingDirectory, definition.standardIn, definition.standardOut, definition.standardError].map(
        (path) => path ?? "",
      ),
      definition.program,
      ...definition.arguments.slice(1),
    ],
    { detached: true, stdio: "ignore", cwd: "/", env: environmentOf(definition, owner) },
  );
  child.once("exit", (code, signal) => {
    ended(signal === null ? { code: code ?? 0 } : { signal });
  });
  if (child.pid === undefined) throw new Error(`no process for ${definition.label}`);
  return child.pid;
}

/** Signals a process, or a whole group where `pid` is negative; one that is gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
