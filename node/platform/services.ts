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

/** The calling user's own service manager. Every method throws a `PhaseFailure` when the manager refuses. */
export interface Services {
  state(unit: string): Promise<UnitState>;
  /** Makes the manager read unit files again. */
  reload(): Promise<void>;
  enable(unit: string): Promise<void>;
  /** Stops and starts; returns when the new main process was started. */
  restart(unit: string): Promise<void>;
  /** Stops and disables; a unit that does not exist is fine. */
  disable(unit: string): Promise<void>;
  /** Whether units of this manager may have a user namespace of their own, without which mount sandboxing is ignored. */
  canNamespace(): Promise<boolean>;
  /** Runs `argv` once, `seconds` from now, unless cancelled; replaces an earlier one of that name. */
  schedule(name: string, seconds: number, argv: readonly string[]): Promise<void>;
  cancel(name: string): Promise<void>;
  /** The last lines that unit and manager logged from `since` on; empty where logs can't be read. */
  recentLog(unit: string, since: Date): Promise<readonly string[]>;
}

/** What the kernel really gives a process (DESIGN.md, decision 12). */
export interface ProcessFacts {
  readonly uid: number;
  readonly noNewPrivileges: boolean;
  readonly seccompFilter: boolean;
  /** It has a user namespace of its own. */
  readonly ownUserNamespace: boolean;
  /** It has a mount namespace of its own. */
  readonly ownMountNamespace: boolean;
  readonly capabilityBounding: string;
  readonly umask: string;
  readonly coreLimit: string;
}
