import type { NodeEvidence, UserEvidence } from "../../node/diagnose/evidence.ts";
import type { Evidence } from "./evidence.ts";
import type { ServiceCommands } from "./service-commands.ts";

/** The layers that can have failed. */
export const LAYERS = [
  "gateway session",
  "provider credential",
  "dual identity",
  "tunnel or proxy",
  "config or disk",
  "host",
] as const;
export type FailedLayer = (typeof LAYERS)[number];

export type Confidence = "high" | "medium" | "low";

/** One thing that is not as it should be. */
export interface Finding {
  readonly layer: FailedLayer;
  /** Stable, for programs. */
  readonly code: string;
  readonly confidence: Confidence;
  /** What was seen, in words; no secret. */
  readonly evidence: readonly string[];
  /** Whose credential it is about, where it is about one. */
  readonly agent?: string;
  readonly provider?: string;
  /** Where the usual next step of the layer would be wrong. */
  readonly nextStep?: string;
  readonly firstCommand?: string;
}

/** Evidence of a node whose gateway's user could be looked at. */
export interface Seen extends Evidence {
  readonly node: NodeEvidence & { readonly gateway: UserEvidence };
}

/** Looks for one kind of fault, and names the commands of the node's platform; pure. */
export type Rule = (seen: Seen, commands: ServiceCommands) => readonly Finding[];
