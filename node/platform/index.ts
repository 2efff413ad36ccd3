import { EXIT } from "../protocol.ts";
import type { StartsAt } from "../protocol.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { NodePaths } from "../lib/paths.ts";
import type { RequestHandler } from "../lib/root-link.ts";
import { darwin } from "./darwin/platform.ts";
import { linux } from "./linux/platform.ts";
import type { Profile, Services } from "./services.ts";

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
  /** Whether the user has what its units need to start at boot without a login; null when that cannot be found out. */
  startsAtBoot(name: string): Promise<boolean | null>;
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

/** What the OS user of a gateway has to be. */
export interface AccountRules {
  /** Others belong to the system, or to people. */
  readonly uids: { readonly first: number; readonly last: number };
  /** Groups whose members can become root or read every log. */
  readonly privilegedGroups: readonly string[];
  /** It is an account that somebody logs in to: it has a password, and is neither made, emptied nor deleted here. */
  readonly personal: boolean;
}

export interface StewardContext {
  readonly paths: NodePaths;
  /** This program's own file, for jobs that have to call it again. */
  readonly programFile: string;
}

/** What root does for the units of a gateway's user; nothing where the user has a service manager of its own. */
export interface ServiceSteward {
  /** Keeps a generation's unit where only root writes; the user's steps ask for it by name. */
  keepUnit(paths: NodePaths, gateway: string, generation: string, content: string): Promise<void>;
  /** Drops the units of every generation that is not in `kept`. */
  forgetUnits(paths: NodePaths, gateway: string, kept: readonly string[]): Promise<void>;
  /**
   * Whether the gateway of that user could be started now. If not, what starts it later does so by itself, from the files
   * that are there then.
   */
  canStart(paths: NodePaths, user: OsUser): Promise<boolean>;
  /** What answers the requests of a step that runs as the user; undefined when it has none to make. */
  handlerFor(context: StewardContext, user: OsUser): Promise<RequestHandler | undefined>;
}

/** What may take the machine away while nobody looks: the file or setting, and what is wrong with it. */
export interface AlwaysOnObjection {
  readonly about: "sleep" | "updates";
  readonly what: string;
  readonly detail: string;
}

/**
 * What decides about a boot that nobody attends, and is told, not changed (docs/decisions/0029). Null: could not be found out,
 * which is never counted as fine. Absent: this kind of machine has no such thing.
 */
export interface BootFacts {
  /** The disk is locked until somebody unlocks it. */
  readonly fileVault?: boolean | null;
  readonly automaticLogin?: boolean | null;
  /** The clock follows a time server. */
  readonly networkTime?: boolean | null;
  /** The machine restarts by itself for an update. */
  readonly updatesRestart?: boolean | null;
}

export interface Hints {
  /** A command that shows who listens on a port. */
  listener(port: number): string;
  /** What shows a unit's log; with whom to be. */
  log(unit: string): string;
  /** Where a variable of a unit's process may come from. */
  environment(unit: string): string;
  lockPassword(user: string): string;
  /** Directories of root alone, in which a home may lie. */
  readonly homes: string;
}

/** One kind of node. Everything that differs between operating systems is a member here. */
export interface Platform {
  readonly name: "linux" | "darwin";
  /** By when the gateway starts; a start that this platform does not have is absent. */
  readonly accounts: Readonly<Partial<Record<StartsAt, AccountRules>>>;
  /** Stable id of this installation of the operating system. */
  machineId(): Promise<string>;
  readonly users: Users;
  /** Whether the machine is there at any time, also while nobody uses it. */
  readonly alwaysOn: {
    /** Why it may not be; empty while it is kept on. */
    objections(paths: NodePaths): Promise<readonly AlwaysOnObjection[]>;
    keep(paths: NodePaths): Promise<void>;
    /** Puts back what was before. */
    release(paths: NodePaths): Promise<void>;
  };
  /** As root: what decides whether gateways come back after a boot that nobody attends. Changes nothing. */
  bootFacts(): Promise<BootFacts>;
  /** What carries the secrets of a gateway to its process, below the state directory. */
  readonly environmentFile: { readonly path: string; render(variables: ReadonlyMap<string, string>): string };
  /** Environment of everything that runs as a gateway user. */
  userEnvironment(user: OsUser): Record<string, string>;
  /** Commands for people, as they are typed on this kind of node. */
  readonly hints: Hints;
  /** Bytes free for root on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
  /**
   * As root: refuses a machine or an installed Node that this platform would not run.
   * @throws {PhaseFailure}
   */
  checkRuntime(nodePath: string): Promise<void>;
  /** The service manager of the user that this process runs as. */
  readonly services: Services;
  /** Root's part in it. */
  readonly steward: ServiceSteward;
  /** Whether the vendor's own status command finds our unit. */
  readonly vendorSeesService: boolean;
  /** Uid of whoever listens on a TCP port of this machine; undefined when nobody does. */
  listenerUid(port: number): Promise<number | undefined>;
  /** Addresses on which a TCP port of this machine is listened on: `127.0.0.1`, `::`. */
  listenerAddresses(port: number): Promise<readonly string[]>;
  /** As the process's own user: the variables that it was started with; null where the system does not show them. */
  processEnvironment(pid: number): Promise<ReadonlyMap<string, string> | null>;
  /** As the process's own user: the file that it runs. */
  executableOf(pid: number): Promise<string>;
  /** As root: where a running process has less than its profile promises, one sentence each. */
  hardening(profile: Profile, pid: number): Promise<readonly string[]>;
  /** What a process of this platform never has, whatever its unit asks for; said with every update. */
  readonly hardeningLimits: readonly string[];
  /** Pids of processes that run `executable` with a working directory at or below `directory`. */
  processesBelow(directory: string, executable: string): Promise<number[]>;
}

/** Set by the program's wrapper, which the bootstrap wrote with what `uname` said; `process.platform` without it. */
export const PLATFORM_VARIABLE = "GATEHOUSE_PLATFORM";

const PLATFORMS: Readonly<Record<string, Platform>> = { linux, darwin };

/** The platform this program runs on. */
export function currentPlatform(): Platform {
  const name = process.env[PLATFORM_VARIABLE] ?? process.platform;
  const found = Object.hasOwn(PLATFORMS, name) ? PLATFORMS[name] : undefined;
  if (found !== undefined) return found;
  throw new PhaseFailure({
    layer: "host",
    code: "platform",
    message: `this program does not manage ${name} nodes`,
    fix: "use a Linux node with systemd, or a Mac",
    exit: EXIT.unavailable,
  });
}
