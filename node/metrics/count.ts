import { createHash } from "node:crypto";
import type { LogEntry } from "../platform/services.ts";
import type { MetricsSettings } from "../protocol.ts";
import { classify } from "./classify.ts";
import type { CredentialName } from "./classify.ts";
import type { Counts, MetricsState } from "./state.ts";

/** Values of labels of one metric; more of them are counted together. */
const KEPT_SERIES = 200;
const SEPARATOR = "\n";
export const OTHER = "other";

export function labelsOf(key: string): readonly string[] {
  return key.split(SEPARATOR);
}

/** Adds to the count of these labels. What a client writes can end up in a label, so their number has a bound. */
function plus(counts: Counts, labels: readonly string[], by = 1): Counts {
  const wanted = labels.join(SEPARATOR);
  const known = Object.hasOwn(counts, wanted) || Object.keys(counts).length < KEPT_SERIES;
  const key = known ? wanted : labels.map(() => OTHER).join(SEPARATOR);
  return { ...counts, [key]: (Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0) + by };
}

/** The vendor logs an auth profile as the first 12 digits of the SHA-256 of its id, `PROVIDER:AGENT`. */
function profileHash(profile: string): string {
  return createHash("sha256").update(profile).digest("hex").slice(0, 12);
}

function agentOf(credential: CredentialName, credentials: MetricsSettings["credentials"]): string {
  if ("agent" in credential) return credential.agent;
  const own = credentials.find(
    ({ provider, agent }) =>
      provider !== null && agent !== null && profileHash(`${provider}:${agent}`) === credential.profileHash,
  );
  return own?.agent ?? "unknown";
}

/** The state after one more entry of the log; null is an entry that could not be read. */
export function counted(
  state: MetricsState,
  entry: LogEntry | null,
  credentials: MetricsSettings["credentials"],
): MetricsState {
  if (entry === null) return { ...state, unparsed: state.unparsed + 1 };
  // a new process has read its secrets anew
  if (entry.event === "started") return { ...state, starts: state.starts + 1, degraded: [] };
  if (entry.event === "restarted") return { ...state, restarts: state.restarts + 1 };
  // one line of the program each, whatever a part of it says
  const event = classify(entry.text);
  switch (event?.kind) {
    case undefined:
      return state;
    case "gateway failure":
      return { ...state, gatewayFailures: plus(state.gatewayFailures, [event.reason], event.count) };
    case "provider failure": {
      const labels = [agentOf(event.credential, credentials), event.credential.provider, event.reason];
      return { ...state, providerFailures: plus(state.providerFailures, labels) };
    }
    case "refused request":
      return { ...state, refusedRequests: plus(state.refusedRequests, [event.provider, event.status]) };
    case "degraded":
      return { ...state, degraded: [...new Set([...state.degraded, event.profile])].slice(-KEPT_SERIES) };
    case "secrets recovered":
      return { ...state, degraded: [] };
  }
}
