import { describe, expect, it } from "vitest";
import type { PlannedChange } from "../../operations/events.ts";
import type { LedgerLine, StackOutputs } from "../../operations/outputs.ts";
import { checkPlan, ledgerLine, replacedFor, rotationOf, rotationText } from "../../operations/rotation.ts";
import type { RotationTarget } from "../../operations/rotation.ts";

const KEY: RotationTarget = { gateway: "team-a", track: "provider", agent: "research", provider: "anthropic" };
const TOKEN: RotationTarget = { gateway: "team-a", track: "gateway" };

function lineOf(changes: Partial<LedgerLine>): LedgerLine {
  return {
    track: "provider",
    principal: "team-a/research",
    node: "box-1",
    gateway: "team-a",
    environment: "prod",
    provider: "anthropic",
    ref: "pulumi://research",
    fingerprint: "fp:old",
    masked: "sk-a…old1",
    version: null,
    variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY",
    unit: "openclaw-gateway.service",
    issued: "2026-01-01T00:00:00.000Z",
    rotated: "2026-01-01T00:00:00.000Z",
    due: "2026-04-01T00:00:00.000Z",
    ...changes,
  };
}

const token = lineOf({ track: "gateway", principal: "team-a", provider: null, ref: null, variable: "TOKEN" });

function outputsWith(line: LedgerLine, gateway: object = {}): StackOutputs {
  const live = {
    generation: "g-new",
    previousGeneration: "g-old",
    interruptionSeconds: 12.34,
    proof: { variables: 3, oldTokenRefused: null, unconfirmedAgents: [] },
    ...gateway,
  };
  const nodes = { "box-1": { gateways: { "team-a": live } } } as unknown as StackOutputs["nodes"];
  return {
    nodes,
    ledger: [token, line],
    certificateAuthority: null,
    gatewayTokens: {},
    principals: [],
    principalKeys: {},
  };
}

const view = (tokenFingerprint: string, key: string, more: object = {}) => ({
  designHash: "1",
  tokenFingerprint,
  providerFingerprints: { "research/anthropic": key, "builder/anthropic": "b" },
  ...more,
});

function planned(before: object, after: object, ...others: string[]): PlannedChange[] {
  const gateway = { name: "team-a", op: "update", type: "gatehouse:index:Gateway", before, after };
  const rest = others.map((name) => ({ name, op: "update", type: "command:remote:Command", before: {}, after: {} }));
  return [gateway, ...rest];
}

const OWN = ["team-a/research", "team-a/research-agent", "team-a-gateway", "team-a-verify"];

describe("the line of a rotation", () => {
  it("is found by principal and provider", () => {
    const outputs = outputsWith(lineOf({}));
    expect(ledgerLine(outputs, KEY).ref).toBe("pulumi://research");
    expect(ledgerLine(outputs, TOKEN)).toBe(token);
  });

  it("is missed with the names of those that there are", () => {
    const unknown = { ...KEY, agent: "nobody" };
    expect(() => ledgerLine(outputsWith(lineOf({})), unknown)).toThrow(
      "team-a, gateway token; team-a/research, anthropic",
    );
    expect(() =>
      ledgerLine(
        { nodes: {}, ledger: [], certificateAuthority: null, gatewayTokens: {}, principals: [], principalKeys: {} },
        TOKEN,
      ),
    ).toThrow("it has none");
  });

  it("is refused for a key that the node reads itself", () => {
    const read = { ref: "vault://kv/gw/research#key", fingerprint: null, masked: null, version: "3" };
    expect(() => ledgerLine(outputsWith(lineOf(read)), KEY)).toThrow("is read by the node itself (vault://kv/gw/research#key)"); // prettier-ignore
  });

  it("makes a generated token anew, and nothing that came by reference", () => {
    expect(replacedFor(token)).toEqual(["team-a-token-seed"]);
    expect(replacedFor(lineOf({}))).toEqual([]);
  });
});

describe("the plan of a rotation", () => {
  const served: StackOutputs = {
    nodes: {},
    ledger: [
      { ...token, fingerprint: "t" },
      lineOf({ fingerprint: "old" }),
      lineOf({ principal: "team-a/builder", fingerprint: "b" }),
    ],
    certificateAuthority: null,
    gatewayTokens: {},
    principals: [],
    principalKeys: {},
  };

  it("passes when it changes that credential and nothing else", () => {
    expect(() => {
      checkPlan(planned(view("t", "old"), view("t", "new"), ...OWN), KEY, served);
    }).not.toThrow();
    const seed = ["team-a-token-seed", "team-a-gateway", "team-a-verify"];
    expect(() => {
      checkPlan(planned(view("t", "old"), view("unknown", "old"), ...seed), TOKEN, served);
    }).not.toThrow();
  });

  it("passes beside a key that the node reads itself, unless that one's reference changes", () => {
    const ref = "vault://kv/gw/builder#key";
    const read = lineOf({ principal: "team-a/builder", ref, fingerprint: null, masked: null, version: "3" });
    const outputs = { ...served, ledger: [...served.ledger.slice(0, 2), read] };
    const layers = (key: string, builder: string) =>
      view("t", key, { providerFingerprints: { "research/anthropic": key, "builder/anthropic": builder } });
    expect(() => {
      checkPlan(planned(layers("old", ref), layers("new", ref), ...OWN), KEY, outputs);
    }).not.toThrow();
    expect(() => {
      checkPlan(planned(layers("old", ref), layers("new", `${ref}?version=4`), ...OWN), KEY, outputs);
    }).toThrow("would change more than team-a/research, anthropic: team-a/builder, anthropic");
  });

  it("is refused when nothing changes: the value is the one that serves", () => {
    expect(() => {
      checkPlan(planned(view("t", "old"), view("t", "old")), KEY, served);
    }).toThrow(/pulumi:\/\/research still has the value that serves \(sk-a…old1 old\)/);
  });

  it("passes after a run that failed, whose inputs the state already has", () => {
    expect(() => {
      checkPlan(planned(view("t", "new"), view("t", "new"), "team-a-gateway", "team-a-verify"), KEY, served);
    }).not.toThrow();
  });

  it.each<[string, PlannedChange[], string]>([
    [
      "another agent's key",
      planned(view("t", "old"), {
        ...view("t", "new"),
        providerFingerprints: { "research/anthropic": "new", "builder/anthropic": "c" },
      }),
      "team-a/builder, anthropic",
    ],
    [
      "an agent that comes",
      planned(view("t", "old"), {
        ...view("t", "new"),
        providerFingerprints: { "research/anthropic": "new", "builder/anthropic": "b", "new/anthropic": "n" },
      }),
      "team-a/new, anthropic",
    ],
    ["the token", planned(view("t", "old"), view("u", "new")), "team-a, gateway token"],
    ["the design", planned(view("t", "old"), view("t", "new", { designHash: "2" })), "team-a, configuration"],
    [
      "an agent that goes",
      planned(view("t", "old"), { ...view("t", "new"), providerFingerprints: { "research/anthropic": "new" } }),
      "team-a/builder, anthropic",
    ],
    ["another resource", planned(view("t", "old"), view("t", "new"), "box-1-runtime"), "box-1-runtime"],
    [
      "another gateway",
      [
        ...planned(view("t", "old"), view("t", "new")),
        {
          name: "team-b",
          op: "create",
          type: "gatehouse:index:Gateway",
          before: view("t", "k"),
          after: view("u", "k"),
        },
      ],
      "team-b, gateway token",
    ],
  ])("is refused when %s would change with it", (_what, changes, named) => {
    expect(() => {
      checkPlan(changes, KEY, served);
    }).toThrow(named);
    expect(() => {
      checkPlan(changes, KEY, served);
    }).toThrow("would change more than team-a/research, anthropic");
  });
});

describe("a rotation", () => {
  const before = lineOf({});
  const after = lineOf({ fingerprint: "fp:new", masked: "sk-a…new1", due: "2026-07-01T00:00:00.000Z" });

  it("is told with both fingerprints, the proof and the way back", () => {
    const text = rotationText(rotationOf(KEY, before, outputsWith(after)));
    for (const part of ["sk-a…old1 fp:old -> sk-a…new1 fp:new", "all 3 variables", "12.3 s", "g-old", "2026-07-01"]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("refused");
  });

  it("of a token also says which devices lost their pairing, and which remain", () => {
    const is = { ...token, fingerprint: "fp:new" };
    const device = (digit: string) => ({ id: digit.repeat(64), client: "cli", platform: "linux" });
    const told = (devices: object | null) =>
      rotationText(rotationOf(TOKEN, token, { ...outputsWith(is, { devices }), ledger: [is] }));
    expect(told({ removed: [device("1"), device("2")], kept: [] })).toContain(
      "removed 111111111111… (cli, linux), 222222222222… (cli, linux); still paired none",
    );
    expect(told({ removed: [], kept: [device("3")] })).toContain("removed none; still paired 333333333333…");
    expect(told(null)).not.toContain("paired");
    // of a key it says nothing: devices have nothing to do with it
    expect(rotationOf(KEY, before, outputsWith(after, { devices: { removed: [], kept: [] } })).devices).toBeNull();
  });

  it.each([
    ["without a proof", after, { proof: null }],
    ["with the old value", before, {}],
  ])("is none %s", (_what, line, gateway) => {
    expect(() => rotationOf(KEY, before, outputsWith(line, gateway))).toThrow("without a proof");
  });
});
