import type { HomePaths } from "../lib/paths.ts";
import type { Profile } from "../protocol.ts";

export type { Profile };

/** What the service manager says of one unit. */
export interface UnitState {
  /** `active`, `activating`, `failed`, `inactive`, … */
  readonly active: string;
  readonly sub: string;
  readonly enabled: boolean;
  /** 0 when nothing runs. */
  readonly mainPid: number;
  /** Automatic restarts since the last start by hand. */
  readonly restarts: number;
}

export interface UnitEvidence extends UnitState {
  /** RFC 3339; null when it never started. */
  readonly startedAt: string | null;
  readonly dropIns: readonly string[];
  /** A unit file was edited and the manager has not read it. */
  readonly needsReload: boolean;
  /** Where launchd is the manager. */
  readonly launchd?: LaunchdEvidence;
}

/** What launchd says of a job beyond what every manager says. */
export interface LaunchdEvidence {
  /** Its word: `running`, `spawn scheduled`, `not loaded`, … */
  readonly state: string;
  /** How its last process ended: `78: EX_CONFIG`, `Terminated: 15`; null where none has. */
  readonly lastEnd: string | null;
  /** The label has an entry that forbids its start. */
  readonly disabled: boolean;
  /** Whether its user is logged in at the screen; of a job that starts with that login. */
  readonly session?: boolean;
}

/** A unit as the manager has it: effective values, not those of a file. */
export interface UnitFacts {
  readonly evidence: UnitEvidence;
  /** SECRET values may be among them. */
  readonly environment: ReadonlyMap<string, string>;
  /** Files of variables that the manager reads for the unit, in order: a later one wins, each over `environment`. */
  readonly environmentFiles?: readonly string[];
  /** Names that the unit takes out of its environment again, whatever set them. */
  readonly unset?: readonly string[];
}

/** The file that the manager reads a unit from. */
export interface UnitFile {
  readonly path: string;
  readonly mode: number;
  readonly owner: "gateway user" | "root";
}

/** One gateway's unit, as a generation has it. */
export interface PlacedUnit {
  readonly unit: string;
  readonly generation: string;
  readonly content: string;
}

/** Where the files of a unit are, for whoever writes, compares or removes them. */
export interface UnitFiles {
  /** Directories below the home that these files need, parents first; relative. */
  readonly directories: readonly string[];
  unitFile(home: HomePaths, unit: string): UnitFile;
  /** Files of the user's own that change what the unit says, also those that the manager has not read yet. */
  dropIns(home: HomePaths, unit: string): Promise<readonly string[]>;
  /** Files of the user's own that set variables of every unit. */
  environmentFiles(home: string): Promise<readonly string[]>;
  isPlaced(home: HomePaths, placed: PlacedUnit): Promise<boolean>;
  /** Puts the unit where the manager reads it, and what ends an unconfirmed switch (`settle`) after a boot. */
  place(home: HomePaths, placed: PlacedUnit, settle: readonly string[]): Promise<void>;
  /** Undoes `place`. */
  removeUnit(home: HomePaths, unit: string): Promise<void>;
}
/** Something that is started again and again. */
export interface RepeatedJob {
  /** Its units are named so; on macOS its label is root's to choose. */
  readonly name: string;
  /** The unit that it is about. */
  readonly unit: string;
  readonly description: string;
  readonly everySeconds: number;
  readonly argv: readonly string[];
}

/** One entry of a unit's log. */
export interface LogEntry {
  readonly text: string;
  /** What the service manager itself noted. */
  readonly event?: "started" | "restarted";
}

/** Where reading begins: a time, or what an earlier reading returned. */
export type LogStart = { readonly since: Date } | { readonly position: string };

/** The calling user's own service manager. Every method throws a `PhaseFailure` when the manager refuses. */
export interface Services extends UnitFiles {
  state(unit: string): Promise<UnitState>;
  /** Throws when the manager gives no answer. */
  inspect(unit: string): Promise<UnitFacts>;
  /** SECRET values may be among them: variables that every unit inherits from the manager. */
  environment(): Promise<ReadonlyMap<string, string>>;
  unsetEnvironment(variables: readonly string[]): Promise<void>;
  /** Makes the manager read unit files again. */
  reload(): Promise<void>;
  enable(unit: string): Promise<void>;
  /** Stops and starts; returns when the new main process was started. */
  restart(unit: string): Promise<void>;
  /** Stops and disables; a unit that does not exist is fine. */
  disable(unit: string): Promise<void>;
  /** What this manager can fence a unit in with. */
  profile(): Promise<Profile>;
  /** Runs `argv` once, `seconds` from now, unless cancelled; replaces an earlier one of that name. */
  schedule(name: string, seconds: number, argv: readonly string[]): Promise<void>;
  cancel(name: string): Promise<void>;
  /** Makes a job run from now on and after a boot; what differs from it is replaced. */
  repeat(job: RepeatedJob): Promise<void>;
  /** How the job differs from what is there, in words, one for each difference; empty when it runs as it should. */
  repeatDifferences(job: RepeatedJob): Promise<readonly string[]>;
  /** Undoes `repeat`; a job that does not exist is fine. */
  stopRepeating(name: string): Promise<void>;
  /**
   * Passes on what a unit logged after `start`, the oldest first and each entry once, over rotations of the log and
   * changes of the clock; null for an entry that can't be read. Returns where the next reading begins; null while there
   * is no entry.
   */
  readLog(unit: string, start: LogStart, take: (entry: LogEntry | null) => void): Promise<string | null>;
  /** The last lines that unit and manager logged from `since` on; empty where logs can't be read. */
  recentLog(unit: string, since: Date): Promise<readonly string[]>;
  /** Lines of the unit and of the manager about it, the oldest first; throws where logs can't be read. */
  log(unit: string, sinceSeconds: number): Promise<readonly string[]>;
}
