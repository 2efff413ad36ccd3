import type { PhaseError } from "../protocol.ts";
import type { StateChoice } from "../state/guard.ts";

/** One gateway on a node, as it was declared. */
export interface RollbackSubject {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly unit: string;
}

/** A credential that has another value in one generation than in another; by fingerprints, null where it has none. */
export interface CredentialChange {
  readonly track: "gateway" | "provider";
  readonly variable: string;
  /** Null for the gateway token. */
  readonly agent: string | null;
  readonly provider: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

/** A generation on the node that can be gone back to. */
export interface RollbackPoint {
  readonly generation: string;
  /** When it was made live the last time; RFC 3339, by the node's clock. */
  readonly lastLive: string;
  readonly openclawVersion: string;
  /** What has another value there than in the live generation. */
  readonly credentials: readonly CredentialChange[];
  /** Why OpenClaw's state is in the way; null where it stays as it is. */
  readonly obstacle: PhaseError | null;
}

export interface RollbackPoints {
  /** Null before the first switch. */
  readonly live: { readonly generation: string; readonly openclawVersion: string } | null;
  /** Most recently live first. */
  readonly points: readonly RollbackPoint[];
}

export interface RollbackPayload extends RollbackSubject {
  readonly to: string;
  readonly state: StateChoice;
}

export interface RolledBack {
  readonly from: string;
  readonly to: string;
  readonly openclawVersion: string;
  readonly credentials: readonly CredentialChange[];
  /** Time of the snapshot whose state came back; null where the state stayed. */
  readonly restoredState: string | null;
  readonly interruptionSeconds: number;
}

export interface ConfirmPayload extends RollbackSubject {
  readonly generation: string;
  readonly port: number;
  readonly openclawVersion: string;
  /** Ids of the paired devices that another gateway token leaves paired. */
  readonly keepDevices: readonly string[];
}
