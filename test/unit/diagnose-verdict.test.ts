import { describe, expect, it } from "vitest";
import type { Unreachable } from "../../operations/visit/connect.ts";
import { classifySymptom } from "../../operations/diagnose/symptom.ts";
import { serviceCommands } from "../../operations/diagnose/service-commands.ts";
import { decisionTable, VERDICT_STATUS } from "../../operations/diagnose/table.ts";
import { verdictOf } from "../../operations/diagnose/verdict.ts";
import { healthy, type Healthy } from "./diagnose-fixture.ts";

type Plant = (evidence: Healthy) => void;

function planted(plant: Plant) {
  const evidence = healthy();
  plant(evidence);
  return verdictOf(evidence);
}

const variable = (evidence: Healthy, track: "gateway" | "provider") => {
  const found = evidence.node.gateway.variables.find((one) => one.track === track);
  if (found === undefined) throw new Error("no variable");
  return found;
};
const sources = (evidence: Healthy, track: "gateway" | "provider") => variable(evidence, track).sources;
const stopped = (evidence: Healthy) => {
  const { gateway } = evidence.node;
  Object.assign(gateway.unit ?? {}, { active: "inactive", sub: "dead", mainPid: 0 });
  for (const one of gateway.variables) one.sources.process = null;
  gateway.session = { healthz: "no answer", readyz: "no answer", version: null, token: "no answer" };
  Object.assign(gateway.gatewayStatus ?? {}, { rpcOk: false, failure: "unreachable", status: 1 });
  gateway.identities = (gateway.identities ?? []).filter(({ who }) => who !== "serving");
  evidence.node.listener = "nobody";
  evidence.here = {
    tunnel: "refused",
    healthz: "no answer",
    readyz: "no answer",
    certificateRefusal: null,
    upgrade: "no answer",
  };
};
const client =
  (state: "set" | "empty" | "missing", answer: "accepted" | "refused" | null): Plant =>
  (evidence) => {
    evidence.client = { stateDir: "/x", source: ".env", state, masked: null, shadowed: [], url: null, answer };
  };

it("a gateway that is as declared is healthy", () => {
  expect(verdictOf(healthy())).toMatchObject({ verdict: "healthy", confidence: "high", missing: [], also: [] });
});

const refusing =
  (certificateRefusal: string): Plant =>
  (evidence) => {
    Object.assign(evidence.here, { certificateRefusal, healthz: "no answer", readyz: "no answer" });
  };

/** Agent research has its key in a file, which OpenClaw's command line does not confirm. */
const byFile =
  (file: "same" | "different" | "missing", kind = "indeterminate"): Plant =>
  ({ node: { gateway } }) => {
    for (const one of gateway.variables) {
      if (one.agent === "research") Object.assign(one, { carrier: "key file", sources: { ...one.sources, environmentFile: file, process: null } }); // prettier-ignore
    }
    for (const one of gateway.models) if (one.agent === "research") Object.assign(one, { status: 1, kinds: [kind], issues: [kind] }); // prettier-ignore
  };

it("a key from a file that nobody can confirm is no fault", () => {
  const evidence = healthy();
  byFile("same")(evidence);
  expect(verdictOf(evidence)).toMatchObject({ verdict: "healthy", missing: [], also: [] });
});

const FAULTS: readonly (readonly [string, keyof typeof VERDICT_STATUS, string, Plant])[] = [
  ["another machine", "host", "another-machine", (e) => (e.node.machineId = "0000000000000000")],
  ["a full disk", "host", "disk-full", (e) => (e.node.freeBytes = 0)],
  ["another key in the key file", "provider credential", "key-different", byFile("different")],
  ["no key in the key file", "provider credential", "key-missing", byFile("missing")],
  [
    "another complaint about a key from a file",
    "provider credential",
    "key-unusable",
    byFile("same", "missing-credential"),
  ],
  ["an expired certificate", "tunnel or proxy", "certificate-expired", refusing("CERT_HAS_EXPIRED")],
  ["a certificate of others", "tunnel or proxy", "certificate-refused", refusing("DEPTH_ZERO_SELF_SIGNED_CERT")],
  ["the port taken", "host", "port-taken", (e) => (stopped(e), (e.node.listener = "uid 0"))],
  ["linger off", "host", "linger-off", (e) => (e.node.lingers = false)],
  ["a skewed clock", "host", "clock-skew", (e) => (e.clockAhead = -300)],
  [
    "a broken configuration, unread",
    "config or disk",
    "config-invalid",
    (e) =>
      (e.node.gateway.config = {
        by: "openclaw config validate",
        status: 1,
        seconds: 1,
        valid: false,
        issues: ["<root>: JSON5 parse failed"],
      }),
  ],
  [
    "an edited configuration",
    "config or disk",
    "edited",
    (e) => e.node.gateway.generation?.edits.push({ what: "configuration", changed: true, likely: "a hand" }),
  ],
  [
    "another generation",
    "config or disk",
    "another-generation",
    (e) => Object.assign(e.node.gateway.generation ?? {}, { live: "g-0000000000000000" }),
  ],
  [
    "a generation that was rolled back to, with the keys of its time",
    "config or disk",
    "another-generation",
    (e) => {
      Object.assign(e.node.gateway.generation ?? {}, { live: "g-0000000000000000" });
      for (const one of e.node.gateway.variables) one.fingerprint = "h1.3UsF.other";
    },
  ],
  [
    "half a generation",
    "config or disk",
    "another-generation",
    (e) => Object.assign(e.node.gateway.generation ?? {}, { complete: false }),
  ],
  ["a drop-in", "config or disk", "drop-in", (e) => e.node.gateway.unit?.dropIns.push("/x.conf")],
  [
    "an unread unit",
    "config or disk",
    "needs-reload",
    (e) => Object.assign(e.node.gateway.unit ?? {}, { needsReload: true }),
  ],
  ["a loose file", "config or disk", "files", (e) => e.node.gateway.files[0]?.problems.push("has mode 644, not 600")],
  ["a .env in the way", "config or disk", "dotenv", (e) => (sources(e, "gateway").dotenv = "different")],
  [
    "a vendor's complaint about the unit",
    "config or disk",
    "unit-audit",
    (e) => e.node.gateway.gatewayStatus?.auditIssues?.push("gateway-path-missing"),
  ],
  [
    "a disabled unit",
    "config or disk",
    "unit-disabled",
    (e) => Object.assign(e.node.gateway.unit ?? {}, { enabled: false }),
  ],
  ["a stopped unit", "gateway session", "unit-stopped", stopped],
  [
    "a unit that fails again and again",
    "gateway session",
    "unit-failing",
    (e) => (stopped(e), Object.assign(e.node.gateway.unit ?? {}, { active: "activating", sub: "auto-restart" })),
  ],
  [
    "a gateway that does not answer",
    "gateway session",
    "not-serving",
    (e) => (e.node.gateway.session.healthz = "no answer"),
  ],
  [
    "a token edited and not read",
    "gateway session",
    "token-not-restarted",
    (e) => (sources(e, "gateway").environmentFile = "different"),
  ],
  [
    "a process with an older token",
    "gateway session",
    "token-stale-process",
    (e) => (sources(e, "gateway").process = "different"),
  ],
  [
    "an empty token in the process",
    "gateway session",
    "token-empty",
    (e) => Object.assign(sources(e, "gateway"), { process: "empty", environmentFile: "empty" }),
  ],
  [
    "a token that a drop-in sets",
    "gateway session",
    "token-shadowed",
    (e) => Object.assign(sources(e, "gateway"), { process: "different", unit: "different" }),
  ],
  [
    "no token for the next start",
    "gateway session",
    "token-missing",
    (e) => (stopped(e), (sources(e, "gateway").environmentFile = "missing")),
  ],
  [
    "another token than the stack's",
    "gateway session",
    "token-another-value-delivered",
    (e) => (variable(e, "gateway").fingerprint = "h1.3UsF.other"),
  ],
  ["a token that is refused", "gateway session", "token-refused", (e) => (e.node.gateway.session.token = "refused")],
  [
    "a session that is refused",
    "gateway session",
    "token-refused",
    (e) => Object.assign(e.node.gateway.gatewayStatus ?? {}, { rpcOk: false, failure: "AUTH_TOKEN_MISMATCH" }),
  ],
  ["a wrong token in the client", "gateway session", "client-token-refused", client("set", "refused")],
  ["an empty token in the client", "gateway session", "client-token-empty", client("empty", null)],
  ["no token in the client", "gateway session", "client-token-missing", client("missing", null)],
  [
    "a key that the unit lacks",
    "provider credential",
    "key-missing",
    (e) => Object.assign(sources(e, "provider"), { process: "missing", environmentFile: "missing" }),
  ],
  [
    "a process with an older key",
    "provider credential",
    "key-stale-process",
    (e) => (sources(e, "provider").process = "different"),
  ],
  [
    "a key edited and not read",
    "provider credential",
    "key-not-restarted",
    (e) => (sources(e, "provider").environmentFile = "different"),
  ],
  [
    "a key shadowed by the manager",
    "provider credential",
    "key-shadowed",
    (e) => Object.assign(sources(e, "provider"), { process: "different", manager: "different" }),
  ],
  [
    "a refused key",
    "provider credential",
    "key-refused",
    (e) =>
      Object.assign(e.node.gateway.models[0] ?? {}, {
        status: 1,
        unusable: [{ profile: "anthropic:research", kind: "cooldown", reason: "auth", until: null }],
      }),
  ],
  [
    "an agent without a key",
    "provider credential",
    "key-missing",
    (e) => Object.assign(e.node.gateway.models[1] ?? {}, { status: 1, missing: ["anthropic"] }),
  ],
  [
    "an agent that cannot use its model",
    "provider credential",
    "key-unusable",
    (e) => Object.assign(e.node.gateway.models[1] ?? {}, { status: 1 }),
  ],
  [
    "an ambient key",
    "provider credential",
    "ambient-key",
    (e) => e.node.gateway.ambient.push({ variable: "ANTHROPIC_API_KEY", where: "process" }),
  ],
  [
    "a degraded secret owner",
    "provider credential",
    "secret-degraded",
    (e) =>
      (e.node.gateway.lint = {
        status: 1,
        seconds: 1,
        findings: ["warning x: Secret runtime degradation: cold account"],
      }),
  ],
  [
    "something else that doctor finds",
    "gateway session",
    "doctor",
    (e) => (e.node.gateway.lint = { status: 1, seconds: 1, findings: ["warning x: event loop is slow"] }),
  ],
  [
    "another Node that serves",
    "dual identity",
    "another-node",
    (e) => Object.assign(e.node.gateway.identities?.[1] ?? {}, { pinned: false, version: "20.1.0" }),
  ],
  [
    "Node 20 first on the unit's PATH",
    "dual identity",
    "another-node",
    (e) => Object.assign(e.node.gateway.identities?.[0] ?? {}, { pinned: false, version: "20.1.0" }),
  ],
  [
    "a second OpenClaw",
    "dual identity",
    "second-openclaw",
    (e) =>
      e.node.gateway.identities?.push({
        ...{ who: "sudo", program: "openclaw", path: "/usr/local/lib/o/openclaw.mjs" },
        ...{ version: "2026.1.2", pinned: false },
      }),
  ],
  ["a gateway beside the unit", "dual identity", "stray-gateway", (e) => (stopped(e), (e.node.listener = "own"))],
  ["a tunnel that is refused", "tunnel or proxy", "forwarding-refused", (e) => (e.here.tunnel = "refused")],
  ["a lost Upgrade", "tunnel or proxy", "tunnel-answer", (e) => (e.here.upgrade = "another answer")],
  [
    "a foreign answer at the end of the tunnel",
    "tunnel or proxy",
    "tunnel-answer",
    (e) => (e.here.healthz = "another answer"),
  ],
];

describe("each fault has its verdict", () => {
  it.each(FAULTS)("%s: %s [%s]", (_name, verdict, code, plant) => {
    const found = planted(plant);
    expect(found).toMatchObject({ verdict, code });
    expect(found.evidence.length).toBeGreaterThan(0);
    expect(found.firstCommand).not.toBeNull();
    expect(found.nextStep).not.toBeNull();
    expect(found.doNot.join()).toMatch(/do not reinstall before/);
  });

  it("and never a step that changes the token and a provider key together", () => {
    for (const [, , , plant] of FAULTS) {
      const step = planted(plant).nextStep ?? "";
      expect(step.includes("--token") && step.includes("--provider")).toBe(false);
    }
    for (const row of Object.values(decisionTable(serviceCommands("linux"))))
      expect(row.nextStep).not.toMatch(/--token.*--provider|--provider.*--token/);
  });

  it("the cause comes before its consequences, which are told, too", () => {
    const found = planted((e) => {
      Object.assign(sources(e, "provider"), { process: "missing", environmentFile: "missing" });
      e.node.gateway.generation?.edits.push({ what: "environment file", changed: true, likely: "a hand" });
      Object.assign(e.node.gateway.models[0] ?? {}, { status: 1, missing: ["anthropic"] });
    });
    expect(found.code).toBe("key-missing");
    expect(found.also.map(({ code }) => code)).toEqual(["edited", "key-missing"]);
  });
});

const MISSING: readonly (readonly [string, Plant])[] = [
  ["linger", (e) => (e.node.lingers = null)],
  ["free space", (e) => (e.node.freeBytes = null)],
  ["clock", (e) => (e.clockAhead = null)],
  ["the user's evidence", (e) => Object.assign(e.node, { gateway: null })],
  ["unit", (e) => (e.node.gateway.unit = null)],
  ["start time", (e) => Object.assign(e.node.gateway.unit ?? {}, { startedAt: null })],
  ["generation", (e) => (e.node.gateway.generation = null)],
  ["files", (e) => (e.node.gateway.files = [])],
  ["the token's answer", (e) => (e.node.gateway.session.token = null)],
  ["a clear answer to the token", (e) => (e.node.gateway.session.token = "another answer")],
  ["version", (e) => (e.node.gateway.session.version = null)],
  ["gateway status", (e) => (e.node.gateway.gatewayStatus = null)],
  ["rpc", (e) => Object.assign(e.node.gateway.gatewayStatus ?? {}, { rpcOk: null })],
  ["loaded", (e) => Object.assign(e.node.gateway.gatewayStatus ?? {}, { loaded: null })],
  ["audit", (e) => Object.assign(e.node.gateway.gatewayStatus ?? {}, { auditIssues: null })],
  ["config", (e) => (e.node.gateway.config = null)],
  ["validity", (e) => Object.assign(e.node.gateway.config ?? {}, { valid: null })],
  ["an agent", (e) => e.node.gateway.models.pop()],
  ["an agent's status in time", (e) => Object.assign(e.node.gateway.models[0] ?? {}, { status: null })],
  ["lint", (e) => (e.node.gateway.lint = null)],
  ["lint in time", (e) => Object.assign(e.node.gateway.lint ?? {}, { status: null })],
  ["identities", (e) => (e.node.gateway.identities = null)],
  ["who serves", (e) => e.node.gateway.identities?.pop()],
  ["the unit's PATH", (e) => e.node.gateway.identities?.shift()],
  ["log", (e) => (e.node.gateway.log = null)],
  ["the tunnel", (e) => Object.assign(e, { here: null })],
  ["a variable", (e) => e.node.gateway.variables.pop()],
  ["the process's environment", (e) => (sources(e, "provider").process = null)],
  ["a part that failed", (e) => e.node.gateway.gaps.push(".env")],
  ["the client's token, unread", client("set", null)],
];

describe("a missing value is undecided, never healthy", () => {
  it.each(MISSING)("%s", (_name, plant) => {
    const found = planted(plant);
    expect(found).toMatchObject({ verdict: "undecided", confidence: "low" });
    expect(found.missing).not.toEqual([]);
  });

  it("so is a node that gives no evidence; another host key is the way there", () => {
    const of = (kind: Unreachable["kind"]) => verdictOf({ ...healthy(), node: { kind, message: "m", fix: "f" } });
    expect(of("no connection")).toMatchObject({ verdict: "undecided", missing: ["the node"] });
    expect(of("no answer")).toMatchObject({ verdict: "undecided" });
    expect(of("host key")).toMatchObject({ verdict: "tunnel or proxy", code: "another-host-key" });
  });

  it("so is a symptom that nothing explains", () => {
    const found = planted((e) => Object.assign(e.frozen, { symptom: "HTTP 401", symptomClass: "gateway session" }));
    expect(found).toMatchObject({ verdict: "undecided", missing: [] });
  });
});

it.each([
  ["unauthorized: gateway token mismatch (provide gateway auth token)", "gateway session"],
  ["HTTP 401", "gateway session"],
  ["No API key for provider anthropic", "provider credential"],
  ["⚠️ anthropic/x request failed (authentication failed, HTTP 401).", "provider credential"],
  ["Explicit auth order for anthropic has no usable profiles.", "provider credential"],
  ["it is slow", "unclear"],
  ["", "none"],
])("the symptom %j points at: %s", (text, layer) => {
  expect(classifySymptom(text)).toBe(layer);
});

it("every verdict has a status of its own, and none is one that every command has", () => {
  const statuses = Object.values(VERDICT_STATUS);
  expect(new Set(statuses).size).toBe(statuses.length);
  for (const taken of [1, 2, 3, 130]) expect(statuses).not.toContain(taken);
});
