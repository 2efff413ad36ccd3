/**
 * What one line of the gateway's log says about authentication; the lines are OpenClaw 2026.9.6's, seen on a live gateway
 * (docs/decisions/0025). Each pattern is tied to the place in the line that only OpenClaw itself writes: a client's name or
 * user agent stands before it.
 */
export type LogEvent =
  | { readonly kind: "gateway failure"; readonly reason: string; readonly count: number }
  | { readonly kind: "provider failure"; readonly credential: CredentialName; readonly reason: string }
  | { readonly kind: "refused request"; readonly provider: string; readonly status: string }
  | { readonly kind: "degraded"; readonly profile: string }
  | { readonly kind: "secrets recovered" };

/** Of an agent's credential: its auth profile, `PROVIDER:AGENT`, by a hash or in parts. */
export type CredentialName =
  { readonly provider: string; readonly profileHash: string } | { readonly provider: string; readonly agent: string };

const TIME = /^\d\d:\d\d:\d\d /;

/** How OpenClaw ends connections of clients that it does not let in; `unauthorized` has a line of its own. */
export const REFUSED_CAUSES = [
  "device-required",
  "device-auth-invalid",
  "pairing-required",
  "origin-mismatch",
  "control-ui-insecure-auth",
  "operator-access-denied",
  "authenticated-profile-unavailable",
  "bootstrap-token-consume-failed",
  "agent-runtime-identity-invalid",
  "agent-runtime-identity-untrusted-client",
  "node-pairing-generation-changed",
] as const;

/** Why OpenClaw puts an auth profile aside, where the reason is the credential: not billing, rate limits or timeouts. */
export const REFUSED_REASONS = ["auth", "auth_permanent", "session_expired"] as const;
/** Why a turn fails before any request. */
export const MISSING_REASONS = ["secret_unavailable", "no_usable_profile"] as const;

const UNAUTHORIZED = /^\[ws\] unauthorized conn=.* reason=([a-z_]{1,60}) guidance=/;
/** Attempts without a credential are logged at most twice a minute; the next line tells how many were left out. */
const SUPPRESSED = / suppressed=(\d{1,6})$/;
const CLOSED =
  /^\[ws\] closed before connect conn=.* phase=[\w-]+(?: suppressed=\d+)? cause=([a-z-]{1,60}) durationMs=\d/;
const PROFILE =
  /^\[agent\/embedded\] auth profile failure state updated: runId=\S+ profile=sha256:([0-9a-f]{12}) provider=([a-z0-9-]{1,40}) reason=([a-z_]{1,40}) window=/;
const LANE = /^\[diagnostic\] lane task error: lane=session:agent:([a-z0-9-]{1,40}):\S* durationMs=\d+ error="/;
const UNAVAILABLE = /^Secret owner account:\[.*?,"([a-z0-9-]{1,40}):([a-z0-9-]{1,40})"\] is configured but unavailable/;
const NO_PROFILE = /^Explicit auth order for ([a-z0-9-]{1,40}) has no usable profiles\./;
const REFUSED_REQUEST =
  /^\[provider-transport-fetch\] \[model-fetch\] response provider=([a-z0-9-]{1,40}) .* status=(401|403) elapsedMs=/;
const DEGRADED = /^\[secrets\] \[SECRETS_DEGRADED\] \w+ account:\[.*?,"([a-z0-9-]{1,40}:[a-z0-9-]{1,40})"\]: /;
const RECOVERED = /^\[secrets\] \[SECRETS_RELOADER_RECOVERED\]/;

function isOneOf(words: readonly string[], word: string | undefined): word is string {
  return word !== undefined && words.includes(word);
}

function gatewayFailure(text: string): LogEvent | null {
  const reason = UNAUTHORIZED.exec(text)?.[1];
  if (reason !== undefined)
    return { kind: "gateway failure", reason, count: 1 + Number(SUPPRESSED.exec(text)?.[1] ?? 0) };
  const cause = CLOSED.exec(text)?.[1];
  if (!isOneOf(REFUSED_CAUSES, cause)) return null;
  return { kind: "gateway failure", reason: cause.replaceAll("-", "_"), count: 1 };
}

function refusedCredential(text: string): LogEvent | null {
  const [, profileHash, provider, reason] = PROFILE.exec(text) ?? [];
  if (profileHash === undefined || provider === undefined || !isOneOf(REFUSED_REASONS, reason)) return null;
  return { kind: "provider failure", credential: { provider, profileHash }, reason };
}

/** A turn that had no credential to send; the lane of the session is logged once a turn. */
function missingCredential(text: string): LogEvent | null {
  const lane = LANE.exec(text);
  if (lane === null) return null;
  const error = text.slice(lane[0].length);
  const [, provider, agent] = UNAVAILABLE.exec(error) ?? [];
  if (provider !== undefined && agent !== undefined)
    return { kind: "provider failure", credential: { provider, agent }, reason: "secret_unavailable" };
  const unordered = NO_PROFILE.exec(error)?.[1];
  if (unordered === undefined) return null;
  const credential = { provider: unordered, agent: lane[1] ?? "" };
  return { kind: "provider failure", credential, reason: "no_usable_profile" };
}

/** Null for a line that is about something else. */
export function classify(line: string): LogEvent | null {
  const time = TIME.exec(line);
  if (time === null) return null;
  const text = line.slice(time[0].length);
  const [, provider, status] = REFUSED_REQUEST.exec(text) ?? [];
  if (provider !== undefined && status !== undefined) return { kind: "refused request", provider, status };
  const profile = DEGRADED.exec(text)?.[1];
  if (profile !== undefined) return { kind: "degraded", profile };
  if (RECOVERED.test(text)) return { kind: "secrets recovered" };
  return gatewayFailure(text) ?? refusedCredential(text) ?? missingCredential(text);
}
