import type { Unreachable } from "../visit/connect.ts";
import type { NodeEvidence, TokenAnswer } from "../../node/diagnose/evidence.ts";
import type { RouteEvidence } from "./route/evidence.ts";
import type { NodePlatform } from "./service-commands.ts";
import type { StartsAt } from "../../spec/index.ts";
import type { SymptomClass } from "./symptom.ts";

/** Step 1 of the runbook: the state as it was when somebody asked. */
export interface Frozen {
  /** RFC 3339 with the operator's zone. */
  readonly time: string;
  /** The pasted error text, scrubbed; null when none was given. */
  readonly symptom: string | null;
  readonly symptomClass: SymptomClass;
  readonly stack: string;
  readonly node: string;
  readonly gateway: string;
  /** Null: every agent of the gateway. */
  readonly agent: string | null;
  /** `user@host` of whoever asked. */
  readonly operator: string;
}

/** What the stack says should be there. */
export interface Expected {
  readonly platform: NodePlatform;
  /** Absent in a diagnosis of before there was another start than at boot. */
  readonly startsAt?: StartsAt;
  readonly generation: string;
  readonly agents: readonly string[];
  /** By variable; null where the node reads the value itself. */
  readonly fingerprints: Readonly<Record<string, string | null>>;
}

export type Probe = "ok" | "no answer" | "another answer";

/** The gateway as seen from here, through the SSH tunnel. */
export interface HereEvidence {
  /** Whether sshd forwards to the gateway's port, else its words. */
  readonly tunnel: "open" | "refused";
  readonly healthz: Probe;
  readonly readyz: Probe;
  /** Why a client that trusts the fleet's authority refuses the certificate, in Node's code; null: it does not, or no HTTPS. */
  readonly certificateRefusal: string | null;
  /** WebSocket upgrade and the gateway's first frame. */
  readonly upgrade: Probe;
}

/** The operator's own OpenClaw client; no value. */
export interface ClientEvidence {
  readonly stateDir: string;
  /** The source that wins: config beats the environment, the environment beats `.env`, even when it is empty. */
  readonly source: string;
  readonly state: "set" | "empty" | "missing" | "reference" | "unreadable";
  readonly masked: string | null;
  /** Sources that have a value and lose. */
  readonly shadowed: readonly string[];
  readonly url: string | null;
  /** What the gateway answers to that token through the tunnel; null when there is none to send. */
  readonly answer: TokenAnswer | null;
}

export interface Evidence {
  readonly frozen: Frozen;
  readonly expected: Expected;
  readonly node: NodeEvidence | Unreachable;
  /** Seconds that the node's clock is ahead; null when unknown. */
  readonly clockAhead: number | null;
  readonly here: HereEvidence | null;
  /** Null: not looked at. */
  readonly client: ClientEvidence | null;
  /** Null: no outside address was named. */
  readonly route: RouteEvidence | null;
}
