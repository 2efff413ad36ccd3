import { describe, expect, it } from "vitest";
import { configurationAuthor } from "../../node/diagnose/author.ts";
import { configSecrets, configToken } from "../../node/diagnose/config-token.ts";
import { logEvidence } from "../../node/diagnose/log.ts";
import { variableEvidence, type Sources } from "../../node/diagnose/variables.ts";
import type { StoredGeneration } from "../../node/generation/store.ts";

const TOKEN = "WE68canaryTOKEN0123456789abcdefghijklmnopqrgWw";
const A = "sk-ant-api03-CanaryOfA5f2c1a9b7d3e8f6a4b2cXYZ9q8w7e6r5t4y3u2i1o0pAA";
const B = "sk-ant-api03-CanaryOfB0a1b2c3d4e5f6a7b8c9dXYZ9q8w7e6r5t4y3u2i1o0pAA";

const credential = (id: string) => ({ provider: "anthropic", variable: `OPENCLAW_AGENT_${id}_KEY`, fingerprint: id });
const stored = {
  manifest: {
    tokenVariable: "OPENCLAW_GATEWAY_TOKEN",
    tokenFingerprint: "h1.token",
    agents: ["A", "B"].map((id) => ({ id: id.toLowerCase(), credentials: [credential(id)] })),
  },
  files: {
    environment: `OPENCLAW_GATEWAY_TOKEN="${TOKEN}"\nOPENCLAW_AGENT_A_KEY="${A}"\nOPENCLAW_AGENT_B_KEY="${B}"\n`,
  },
} as unknown as StoredGeneration;
const delivered = { OPENCLAW_GATEWAY_TOKEN: TOKEN, OPENCLAW_AGENT_A_KEY: A, OPENCLAW_AGENT_B_KEY: B };
const of = (values: Record<string, string>) => new Map(Object.entries(values));
function evidence(changes: Partial<Sources>) {
  const none = new Map<string, string>();
  const found = variableEvidence(stored, {
    ...{ environmentFile: of(delivered), otherFiles: [], unset: [], unit: none, manager: none, dotenv: none },
    ...{ keyFile: none, process: of(delivered) },
    ...changes,
  });
  for (const secret of [TOKEN, A, B]) expect(JSON.stringify(found)).not.toContain(secret.slice(0, 24));
  return Object.fromEntries(found.map((one) => [one.variable, one]));
}

describe("where a value comes from", () => {
  it("is another agent's, in the process or in the file of a gateway that does not run", () => {
    const mixed = of({ ...delivered, OPENCLAW_AGENT_A_KEY: B });
    expect(evidence({ process: mixed })["OPENCLAW_AGENT_A_KEY"]?.valueOf).toBe("OPENCLAW_AGENT_B_KEY");
    expect(evidence({ process: mixed })["OPENCLAW_AGENT_B_KEY"]?.valueOf).toBeNull();
    const stopped = evidence({ process: null, environmentFile: mixed });
    expect(stopped["OPENCLAW_AGENT_A_KEY"]?.valueOf).toBe("OPENCLAW_AGENT_B_KEY");
    expect(evidence({ process: of({}) })["OPENCLAW_AGENT_A_KEY"]?.valueOf).toBeNull();
  });

  it("is another file of the unit, the last one of several, or taken out again", () => {
    const file = (path: string, values: Record<string, string>) => ({ path, variables: of(values) });
    const others = [file("/last.env", { OPENCLAW_AGENT_A_KEY: "x" }), file("/first.env", { OPENCLAW_AGENT_A_KEY: A })];
    const found = evidence({ otherFiles: others, unset: ["OPENCLAW_GATEWAY_TOKEN"] });
    expect(found["OPENCLAW_AGENT_A_KEY"]).toMatchObject({
      overriddenBy: "/last.env",
      sources: { otherFile: "different" },
    });
    expect(found["OPENCLAW_GATEWAY_TOKEN"]?.overriddenBy).toBe("UnsetEnvironment=");
    expect(found["OPENCLAW_AGENT_B_KEY"]?.overriddenBy).toBeNull();
  });
});

it.each([
  [{ source: "env", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN" }, "env:OPENCLAW_GATEWAY_TOKEN"],
  ["${OPENCLAW_GATEWAY_TOKEN}", "env:OPENCLAW_GATEWAY_TOKEN"],
  [{ source: 5 }, "?:?"],
])("the configuration's token is a reference: %j", (token, to) => {
  expect(configToken(JSON.stringify({ gateway: { auth: { token } } }), TOKEN)).toEqual({ kind: "reference", to });
});

it.each([
  [TOKEN, "same"],
  [`${TOKEN}x`, "different"],
  [" ", "empty"],
])("the configuration's token is a value, which nobody sees: %#", (token, state) => {
  const config = JSON.stringify({ gateway: { auth: { token } }, models: { apiKey: A } });
  const found = configToken(config, TOKEN);
  expect(found).toMatchObject({ kind: "value", state });
  expect(JSON.stringify(found)).not.toContain(TOKEN.slice(0, 20));
  expect(configSecrets(config)).toEqual([token, A]);
});

it("a configuration without a token is told from one that is none", () => {
  expect(configToken("{}", TOKEN)).toEqual({ kind: "missing" });
  expect(configToken("{", TOKEN)).toBeNull();
  expect(configSecrets("{")).toEqual([]);
});

it("the vendor's writers are known by what they leave", () => {
  const config = (version: string) => JSON.stringify({ meta: { lastTouchedVersion: version } });
  expect(configurationAuthor(config("2"), config("1"))).toBe("OpenClaw");
  expect(configurationAuthor(config("1"), config("1"))).toBe("a hand");
  expect(configurationAuthor("{", config("1"))).toBe("a hand");
});

it("refusals of an earlier process do not count against this one, and name their agent", () => {
  // the vendor's line of a real refusal, with the hash of `anthropic:research`
  const failure =
    "[agent/embedded] auth profile failure state updated: runId=4861e0b6 profile=sha256:1d172035ab4d provider=anthropic reason=auth window=cooldown reused=false";
  const of = (sinceStart: string[], profiles: string[]) =>
    logEvidence(
      [failure, "Started OpenClaw Gateway.", failure],
      { sinceStart, running: true, profiles },
      (text) => text,
    );
  const found = of([failure], ["anthropic:builder", "anthropic:research"]);
  expect(found.providerFailures).toEqual({ auth: 2 });
  expect(found.refusals).toEqual([{ profile: "anthropic:research", reason: "auth", count: 1 }]);
  expect(of([failure], []).refusals).toEqual([{ profile: null, reason: "auth", count: 1 }]);
  expect(of([], ["anthropic:research"]).refusals).toEqual([]);
});
