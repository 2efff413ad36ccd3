import type { GenerationEvidence } from "../diagnose/evidence.ts";
import type { MetricsSettings } from "../protocol.ts";

/** Everything by which a node can differ from what was declared for it. */
export const DEVIATION_KINDS = [
  "another-machine",
  "sleep",
  "user-missing",
  "user-rights",
  "linger",
  "generation",
  "generation-damaged",
  "runtime",
  "configuration",
  "environment-file",
  "unit-file",
  "launcher",
  "key-file",
  "certificate",
  "vendor-policy",
  "mode",
  "owner",
  "link",
  "missing",
  "drop-in",
  "not-enabled",
  "not-running",
  "not-reloaded",
  "dotenv",
  "manager-environment",
  "process-environment",
  "metrics",
  "unknown",
] as const;
export type DeviationKind = (typeof DEVIATION_KINDS)[number];

/** Those that only root sees. */
export const MACHINE_KINDS: readonly DeviationKind[] = [
  "another-machine",
  "sleep",
  "user-missing",
  "user-rights",
  "linger",
];

/** Who mends it: `drift --repair` on the node, the next `up`, or somebody by hand. */
export type Mending = "repair" | "up" | "by hand";

/** One difference; holds no value of a secret. */
export interface Deviation {
  readonly kind: DeviationKind;
  /** The path, variable, unit or user that it is about. */
  readonly what: string;
  readonly detail: string;
  /** Who likely did it. */
  readonly likely: "OpenClaw" | "a hand" | "an interrupted or another run" | "unknown";
  readonly mending: Mending;
}

/** One gateway as it was declared. */
export interface DeclaredGateway {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly unit: string;
  readonly generation: string;
  readonly agents: readonly string[];
  /** Absent: no metrics are collected. */
  readonly metrics?: MetricsSettings;
}

export interface DriftPayload {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly alwaysOn: boolean;
  /** Directory name of the OpenClaw runtime below `/opt/gatehouse/runtime`; absent: only what the generations name. */
  readonly runtime?: string;
  readonly gateways: readonly DeclaredGateway[];
}

export interface GatewayDrift {
  readonly gateway: string;
  /** The live one; null where none is, or it could not be found out. */
  readonly generation: GenerationEvidence["live"];
  readonly deviations: readonly Deviation[];
}

export interface NodeDrift {
  /** RFC 3339, by the node's clock. */
  readonly time: string;
  /** Of the machine itself. */
  readonly deviations: readonly Deviation[];
  readonly gateways: readonly GatewayDrift[];
}

export interface NodeRepair {
  readonly before: NodeDrift;
  /** What was done, in words, in order. */
  readonly done: readonly string[];
  readonly after: NodeDrift;
}
