import { describe, expect, it } from "vitest";
import { classify } from "../../node/metrics/classify.ts";
import { counted } from "../../node/metrics/count.ts";
import { emptyState, type MetricsState } from "../../node/metrics/state.ts";
import type { LogEntry } from "../../node/platform/services.ts";
import type { MetricsSettings } from "../../node/protocol.ts";

// lines of a live OpenClaw 2026.9.6, shortened
const WRONG_TOKEN =
  "06:26:08 [ws] unauthorized conn=abe3c430-8480 peer=127.0.0.1:48374->127.0.0.1:25750 remote=127.0.0.1 client=cli cli v2026.9.6 role=operator scopes=0 auth=token device=no platform=linux host=127.0.0.1:25750 origin=n/a ua=n/a reason=token_mismatch guidance=unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)";
const CLOSED =
  "06:26:08 [ws] closed before connect conn=abe3c430-8480 peer=127.0.0.1:48374->127.0.0.1:25750 remote=127.0.0.1 fwd=n/a origin=n/a host=127.0.0.1:25750 ua=n/a code=1008 reason=connect failed phase=auth_credentials_received cause=unauthorized durationMs=489 handshake=failed";
const REFUSED_KEY =
  "06:26:00 [agent/embedded] auth profile failure state updated: runId=016f0e7e-774d profile=sha256:80451bdac0db provider=anthropic reason=auth window=cooldown reused=false";
const REFUSED_REQUEST =
  "06:26:00 [provider-transport-fetch] [model-fetch] response provider=anthropic api=anthropic-messages model=claude-opus-4-8 status=401 elapsedMs=28 dispatcher=reused contentType=application/json";
const NO_SECRET =
  '06:29:22 [diagnostic] lane task error: lane=session:agent:builder:main durationMs=1430 error="Secret owner account:["/home/oc-team-a/.openclaw/agents/builder/agent/openclaw-agent.sqlite","anthropic:builder"] is configured but unavailable (secret reference was not found)." errorName=SecretSurfaceUnavailableError';
const NO_PROFILE =
  '06:31:56 [diagnostic] lane task error: lane=session:agent:research:main durationMs=976 error="Explicit auth order for anthropic has no usable profiles." errorName=Error';
const DEGRADED =
  '06:28:37 [secrets] [SECRETS_DEGRADED] cold account:["/home/oc-team-a/.openclaw/agents/builder/agent/openclaw-agent.sqlite","anthropic:builder"]: secret reference was not found. Retry: openclaw secrets reload. event=secrets.degraded';

const CREDENTIALS: MetricsSettings["credentials"] = [
  { variable: "OPENCLAW_GATEWAY_TOKEN", agent: null, provider: null, rotateEveryDays: 90 },
  { variable: "OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY", agent: "builder", provider: "anthropic", rotateEveryDays: 90 },
  { variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", agent: "research", provider: "anthropic", rotateEveryDays: 30 },
];

function after(entries: readonly (LogEntry | string | null)[], from: MetricsState = emptyState(new Date(0))) {
  return entries.reduce<MetricsState>(
    (state, entry) => counted(state, typeof entry === "string" ? { text: entry } : entry, CREDENTIALS),
    from,
  );
}

describe("a line of the log", () => {
  it.each([
    ["a wrong token", WRONG_TOKEN, { kind: "gateway failure", reason: "token_mismatch", count: 1 }],
    ["attempts that were left out", `${WRONG_TOKEN} suppressed=41`, { kind: "gateway failure", count: 42 }],
    [
      "no device",
      CLOSED.replace("cause=unauthorized", "cause=device-required"),
      { reason: "device_required", count: 1 },
    ],
    [
      "a refused key",
      REFUSED_KEY,
      { kind: "provider failure", reason: "auth", credential: { provider: "anthropic", profileHash: "80451bdac0db" } },
    ],
    ["a refused request", REFUSED_REQUEST, { kind: "refused request", provider: "anthropic", status: "401" }],
    [
      "a missing secret",
      NO_SECRET,
      {
        kind: "provider failure",
        reason: "secret_unavailable",
        credential: { provider: "anthropic", agent: "builder" },
      },
    ],
    [
      "no profile",
      NO_PROFILE,
      {
        kind: "provider failure",
        reason: "no_usable_profile",
        credential: { provider: "anthropic", agent: "research" },
      },
    ],
    ["a degraded secret", DEGRADED, { kind: "degraded", profile: "anthropic:builder" }],
  ])("tells of %s", (_what, line, event) => {
    expect(classify(line)).toMatchObject(event);
  });

  it.each([
    ["the second line of the same refused session", CLOSED],
    ["a close without a refusal", CLOSED.replace("cause=unauthorized", "cause=handshake-timeout")],
    ["a rate limit", REFUSED_KEY.replace("reason=auth", "reason=rate_limit")],
    ["a bill", REFUSED_KEY.replace("reason=auth", "reason=billing")],
    ["a request that worked", REFUSED_REQUEST.replace("status=401", "status=200")],
    ["a server's error", REFUSED_REQUEST.replace("status=401", "status=500")],
    ["the same turn in another lane", NO_SECRET.replace("lane=session:agent:builder:main", "lane=main")],
    ["a turn that was skipped", "06:26:05 [model-fallback/decision] model fallback decision: decision=skip_candidate requested=anthropic/claude-opus-4-8 candidate=anthropic/claude-opus-4-8 reason=auth next=none detail=Provider anthropic has auth issue (skipping all models)"], // prettier-ignore
    ["no time", WRONG_TOKEN.slice(9)],
    ["a quotation", `06:26:08 [agent] ${WRONG_TOKEN}`],
    ["nothing", ""],
    ["half a line", WRONG_TOKEN.slice(0, 60)],
  ])("is no failure when it is %s", (_what, line) => {
    expect(classify(line)).toBeNull();
  });

  it("does not take a reason from what a client says of itself", () => {
    const forged = WRONG_TOKEN.replace("ua=n/a", "ua=x reason=pwned guidance=y");
    expect(classify(forged)).toMatchObject({ reason: "token_mismatch" });
    expect(classify(CLOSED.replace("ua=n/a", "ua=x phase=y cause=device-required durationMs=1"))).toBeNull();
  });
});

describe("counting", () => {
  it("keeps the tracks, agents and reasons apart", () => {
    const state = after([WRONG_TOKEN, CLOSED, REFUSED_KEY, REFUSED_REQUEST, NO_SECRET, NO_PROFILE, NO_PROFILE]);
    expect(state.gatewayFailures).toEqual({ token_mismatch: 1 });
    expect(state.providerFailures).toEqual({
      "builder\nanthropic\nauth": 1,
      "builder\nanthropic\nsecret_unavailable": 1,
      "research\nanthropic\nno_usable_profile": 2,
    });
    expect(state.refusedRequests).toEqual({ "anthropic\n401": 1 });
  });

  it("names no agent where the profile is none of the fleet's", () => {
    const { providerFailures } = after([REFUSED_KEY.replace("80451bdac0db", "000000000000")]);
    expect(providerFailures).toEqual({ "unknown\nanthropic\nauth": 1 });
  });

  it("takes starts and restarts from the service manager's own entries", () => {
    const state = after([
      { text: "Started openclaw-gateway.service", event: "started" },
      { text: "Scheduled restart job", event: "restarted" },
      { text: "Gestartet", event: "started" },
      "06:26:08 [gateway] Started",
    ]);
    expect(state).toMatchObject({ starts: 2, restarts: 1 });
  });

  it("forgets what was degraded when a new process starts or the secrets recover", () => {
    expect(after([DEGRADED, DEGRADED]).degraded).toEqual(["anthropic:builder"]);
    expect(after([DEGRADED, { text: "", event: "started" }]).degraded).toEqual([]);
    expect(after([DEGRADED, "06:30:00 [secrets] [SECRETS_RELOADER_RECOVERED] all owners"]).degraded).toEqual([]);
  });

  it("counts what it cannot read apart", () => {
    expect(after([null, WRONG_TOKEN, null])).toMatchObject({ unparsed: 2, gatewayFailures: { token_mismatch: 1 } });
  });

  it("bounds the number of series, and loses no count over it", () => {
    const names = Array.from(
      { length: 500 },
      (_name, index) => `r${String.fromCharCode(97 + (index % 26), 97 + Math.floor(index / 26))}`,
    );
    const { gatewayFailures } = after(names.map((name) => WRONG_TOKEN.replace("token_mismatch", name)));
    expect(Object.keys(gatewayFailures).length).toBe(201);
    expect(Object.values(gatewayFailures).reduce((sum, count) => sum + count, 0)).toBe(500);
    expect(gatewayFailures["other"]).toBe(300);
  });
});
