import type { Confidence, Seen } from "../finding.ts";
import type { RouteEvidence } from "../route/evidence.ts";

/** What is wrong with a route, before it is a finding of the layer. */
export interface Fault {
  readonly code: string;
  readonly confidence?: Confidence;
  readonly evidence: readonly string[];
  readonly firstCommand?: string;
  readonly nextStep: string;
}

/** How a route is broken; undefined: not in this way. */
export type Check = (route: RouteEvidence, seen: Seen) => Fault | undefined;
