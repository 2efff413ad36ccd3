import type { RunAsUser } from "./lib/as-user.ts";
import type { NodePaths } from "./lib/paths.ts";
import type { Platform } from "./platform/index.ts";
import type { PhaseName, PhaseTypes } from "./protocol.ts";

/** What every phase and user command gets from the program around it. */
export interface Context {
  readonly platform: Platform;
  readonly paths: NodePaths;
  /** One line for people, on stderr; never a secret (this payload's secrets are removed all the same). */
  readonly progress: (message: string) => void;
  /** Aborted by the watchdog and by SIGTERM or SIGINT; pass it to waits. */
  readonly signal: AbortSignal;
  readonly asUser: RunAsUser;
  /** This program's own file, for units and timers that have to call it again. */
  readonly programFile: string;
}

/** Result of `remove`: what is gone and what was kept on purpose, in words. */
export interface Removed {
  readonly removed: readonly string[];
  readonly kept: readonly string[];
}

/** A step that has to run as the gateway user: `gatehouse-node internal NAME`, started by `context.asUser`. */
export type UserCommand = (payload: unknown, context: Context) => Promise<unknown>;

export interface Phase<N extends PhaseName> {
  readonly name: N;
  /** Seconds until `apply` or `remove` is ended with a `timeout` failure. */
  readonly watchdogSeconds: number;
  /** Throws a `usage` failure that names field and shape. */
  check(payload: unknown): PhaseTypes[N]["payload"];
  /** Idempotent; may be killed at any byte and run again. The machine has been checked already. */
  apply(payload: PhaseTypes[N]["payload"], context: Context): Promise<PhaseTypes[N]["result"]>;
  remove(payload: PhaseTypes[N]["payload"], context: Context): Promise<Removed>;
  /** Names are shared by all phases: prefix them, `agent-stage`. */
  readonly userCommands?: Readonly<Record<string, UserCommand>>;
}
