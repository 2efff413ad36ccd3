import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSecretRef, parseFleet, parseSecretRef, SpecError, type FleetInput } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

type GatewayInput = FleetInput["nodes"][number]["gateways"][number];

const VAULT = {
  address: "https://vault.example.net:8200",
  roleId: "gateway-role",
  secretId: "pulumi://node-secret-id",
};
const AWS = { region: "eu-central-1", credentials: "instance-role" as const };
const KEYS = { accessKeyId: "AKIAEXAMPLE000000001", secretAccessKey: "pulumi://node-aws" };

function fleet(secret: string, changes: Partial<GatewayInput>, resolve: "node" | "deploy" = "node"): FleetInput {
  const valid: FleetInput = validFleet();
  const [node] = valid.nodes;
  const [gateway] = node?.gateways ?? [];
  if (node === undefined || gateway === undefined) throw new Error("no gateway");
  const [first, ...others] = gateway.agents;
  if (first === undefined) throw new Error("no agent");
  const agent = { ...first, credentials: [{ provider: "anthropic", secret, resolve }] };
  return { ...valid, nodes: [{ ...node, gateways: [{ ...gateway, agents: [agent, ...others], ...changes }] }] };
}

function problems(input: FleetInput): readonly string[] {
  try {
    parseFleet(input);
    return [];
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ field, problem }) => `${field}: ${problem}`);
  }
}

const SECRET = "nodes[0].gateways[0].agents[0].credentials[0].secret";
const IDENTITY = "nodes[0].gateways[0].nodeIdentity";

describe("a credential that the node resolves", () => {
  it.each([
    ["vault://kv/gw/research#key", { vault: VAULT }],
    ["aws-sm://gw/research#key", { aws: AWS }],
    // the operator's own login reads that one
    ["vault://kv/gw/research#key", { vault: { ...VAULT, secretId: "vault://kv/id#id" } }],
    ["aws-sm://gw/research#key", { aws: { ...AWS, credentials: KEYS, endpoint: "http://127.0.0.1:5000" } }],
  ])("%s is accepted with the identity that it needs", (secret, nodeIdentity) => {
    expect(problems(fleet(secret, { nodeIdentity }))).toEqual([]);
  });
  it("is never delivered by file", () => {
    const input = fleet("vault://kv/gw/research#key", { nodeIdentity: { vault: VAULT } });
    const [credential] = input.nodes[0]?.gateways[0]?.agents[0]?.credentials ?? [];
    Object.assign(credential ?? {}, { delivery: "file" });
    expect(problems(input)).toEqual([
      expect.stringMatching(/credentials\[0\]\.delivery: a key that the node reads at start is in no file/),
    ]);
  });
  it("is not the default", () => {
    const [node] = parseFleet(validFleet()).nodes;
    expect(node?.gateways[0]?.agents[0]?.credentials[0]?.resolve).toBe("deploy");
  });
  it.each([
    ["no identity", "vault://kv/gw/research#key", {}, `${SECRET}: the node needs nodeIdentity.vault`],
    [
      "the other identity",
      "aws-sm://gw/research",
      { nodeIdentity: { vault: VAULT } },
      `${SECRET}: the node needs nodeIdentity.aws`,
    ],
    [
      "a reference of the operator",
      "pulumi://research",
      { nodeIdentity: { vault: VAULT } },
      `${SECRET}: the node can read vault:// and aws-sm:// only`,
    ],
    [
      "an identity that nothing needs",
      "vault://kv/gw/research#key",
      { nodeIdentity: { vault: VAULT, aws: AWS } },
      `${IDENTITY}.aws: no credential of this gateway needs it`,
    ],
    [
      "Vault in clear text",
      "vault://kv/gw/research#key",
      { nodeIdentity: { vault: { ...VAULT, address: "http://vault.example.net:8200" } } },
      `${IDENTITY}.vault.address: expected https`,
    ],
    [
      "a path behind Vault's address",
      "vault://kv/gw/research#key",
      { nodeIdentity: { vault: { ...VAULT, address: "https://vault.example.net/v1" } } },
      `${IDENTITY}.vault.address: expected scheme, host and port only`,
    ],
    [
      "a password in Vault's address",
      "vault://kv/gw/research#key",
      { nodeIdentity: { vault: { ...VAULT, address: "https://a:b@vault.example.net" } } },
      `${IDENTITY}.vault.address: expected scheme, host and port only`,
    ],
  ])("is refused with %s", (_what, secret, changes, words) => {
    // prettier-ignore
    expect(problems(fleet(secret, changes)).join("\n")).toContain(words);
  });
});

describe("references to managers", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/);
  const vault = fc.record(
    { scheme: fc.constant("vault" as const), mount: name, path: fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")), field: name, version: fc.integer({ min: 1, max: 999_999 }), kv: fc.constant(2 as const) }, // prettier-ignore
    { requiredKeys: ["scheme", "mount", "path", "field"] },
  );
  const aws = fc.record(
    { scheme: fc.constant("aws-sm" as const), id: fc.oneof(name, fc.constant("arn:aws:secretsmanager:eu-central-1:123456789012:secret:gw/research-AbCdEf")), jsonKey: name, stage: name, version: fc.uuid() }, // prettier-ignore
    { requiredKeys: ["scheme", "id"] },
  );
  it("have one text each", () => {
    fc.assert(
      fc.property(fc.oneof(vault, aws), (ref) => {
        expect(parseSecretRef(formatSecretRef(ref))).toEqual({ ok: true, ref });
      }),
    );
  });
  it.each([
    "vault://kv",
    "vault://kv/path",
    "vault://kv/path#",
    "vault:///path#field",
    "vault://kv//path#field",
    "vault://kv/../sys/raw#field",
    "vault://kv/a/..#field",
    "vault://kv/path#field?version=0",
    "vault://kv/path#field?version=1&version=2",
    "vault://kv/path#field?kv=3",
    "vault://kv/path#field?kv=1&version=2",
    "vault://kv/path#field?other=1",
    "vault://kv/path?version=1#field",
    "aws-sm://",
    "aws-sm://#key",
    "aws-sm://name#",
    "aws-sm://name?stage=",
    "aws-sm://name?other=1",
    "aws-sm://na me",
  ])("%s is refused without being repeated", (text) => {
    const parsed = parseSecretRef(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok && text.length > 12) expect(parsed.problem).not.toContain(text);
  });
});

describe("a reference for development", () => {
  const inKind = (kind: "prod" | "staging" | "dev" | "ci", secret: string, gateway: Partial<GatewayInput> = {}) => {
    const input = fleet(secret, gateway, "deploy");
    return problems({ ...input, environments: input.environments.map((one) => ({ ...one, kind })) }).join("\n");
  };

  it.each(["env://RESEARCH_KEY", "file:///keys/research"])(
    "%s is refused in prod and ci, and fine elsewhere",
    (ref) => {
      for (const kind of ["prod", "ci"] as const) {
        expect(inKind(kind, ref)).toContain(`${SECRET}: ${ref.split(":")[0] ?? ""}:// is for development`);
        expect(inKind(kind, "pulumi://research", { token: ref })).toContain("nodes[0].gateways[0].token: ");
      }
      for (const kind of ["dev", "staging"] as const) expect(inKind(kind, ref, { token: ref })).toBe("");
    },
  );
});
