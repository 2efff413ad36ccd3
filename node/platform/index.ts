import { EXIT } from "../protocol.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { linux } from "./linux.ts";
import type { ProcessFacts, Services } from "./services.ts";

export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** What the account phase has to know of an existing user before it adopts it. */
export interface UserFacts extends OsUser {
  /** Names of all groups, the primary one included. */
  readonly groups: readonly string[];
  readonly hasPassword: boolean;
}

/** What is at the path of a home directory, links not followed. */
export interface HomeFacts {
  readonly uid: number;
  readonly isDirectory: boolean;
  readonly isEmpty: boolean;
}

/** What is at the path of a shared directory, links not followed. */
export interface SharedFacts {
  readonly uid: number;
  readonly mode: number;
  readonly isDirectory: boolean;
  /** As of `Users.foreignAncestor`. */
  readonly foreignAncestor: string | undefined;
}

export interface Users {
  find(name: string): Promise<OsUser | undefined>;
  inspect(name: string): Promise<UserFacts | undefined>;
  inspectHome(path: string): Promise<HomeFacts | undefined>;
  /** The closest directory above `path` (links followed) that somebody other than root could change. */
  foreignAncestor(path: string): Promise<string | undefined>;
  /** New user with its own group, a locked password and no login shell; the home directory is not made yet. */
  create(name: string, home: string, comment: string): Promise<OsUser>;
  /** Home directory 0700, owned by the user; missing parents 0755, owned by root. */
  makeHome(user: OsUser): Promise<void>;
  /** Makes the user's service manager start at boot and run without a login; returns when its bus answers. */
  keepManager(user: OsUser, progress: (message: string) => void): Promise<void>;
  /** Undoes `keepManager` and ends every process of the user. */
  stopManager(user: OsUser): Promise<void>;
  inspectShared(path: string): Promise<SharedFacts | undefined>;
  /** Whether the user can list the directory and enter it, or change it. */
  may(user: OsUser, access: "read" | "write", path: string): Promise<boolean>;
  /** Lets the user read everything below a directory, and what is put there later. */
  grantRead(user: OsUser, path: string): Promise<void>;
  /** Undoes `grantRead`; no error when the directory is gone. */
  revokeRead(user: OsUser, path: string): Promise<void>;
  /** `none`: no login runs anything; `commands`: sshd can run forced commands, which it does through the user's shell. */
  setShell(user: OsUser, use: "none" | "commands"): Promise<void>;
  /** Ends the user's SSH sessions; how many there were. */
  endSessions(user: OsUser): Promise<number>;
  /** Deletes home, then user and group; killed half way, the next call continues. */
  purge(user: OsUser): Promise<void>;
}

/** One kind of node. Everything that differs between operating systems is a member here. */
export interface Platform {
  readonly name: "linux";
  /** Groups whose members can become root or read every log. */
  readonly privilegedGroups: readonly string[];
  /** Stable id of this installation of the operating system. */
  machineId(): Promise<string>;
  readonly users: Users;
  /** Whether the machine may go to sleep while nobody uses it; `configuration` is the file of ours that says so. */
  readonly sleep: {
    isPrevented(configuration: string): Promise<boolean>;
    prevent(configuration: string): Promise<void>;
    allow(configuration: string): Promise<void>;
  };
  /** Bytes free for root on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
  /** The service manager of the user that this process runs as. */
  readonly services: Services;
  /** Uid of whoever listens on a TCP port of this machine; undefined when nobody does. */
  listenerUid(port: number): Promise<number | undefined>;
  /** Addresses on which a TCP port of this machine is listened on: `127.0.0.1`, `::`. */
  listenerAddresses(port: number): Promise<readonly string[]>;
  /** As the process's own user: the variables that it was started with. */
  processEnvironment(pid: number): Promise<ReadonlyMap<string, string>>;
  /** As root: what the kernel enforces on a process. */
  processFacts(pid: number): Promise<ProcessFacts>;
  /** Pids of processes that run `executable` with a working directory at or below `directory`. */
  processesBelow(directory: string, executable: string): Promise<number[]>;
}

/** The platform this program runs on. */
export function currentPlatform(): Platform {
  switch (process.platform) {
    case "linux":
      return linux;
    default:
      throw new PhaseFailure({
        layer: "host",
        code: "platform",
        message: `this program does not manage ${process.platform} nodes yet`,
        fix: "use a Linux node with systemd",
        exit: EXIT.unavailable,
      });
  }
}
