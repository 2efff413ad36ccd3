import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ComponentError } from "../../components/index.ts";
import type { FleetInput } from "../../spec/index.ts";
import { fleetWith, KEYS, OperatorFiles, runFleet } from "./fleet.ts";
import { commands, find, revealed, visible, type MockedRun } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const SECRET_ID = "secret-id-CANARY-0123456789abcdef";
const SECRETS = { "builder-anthropic": KEYS["builder-anthropic"], "vault-secret-id": SECRET_ID };
const REFERENCE = "vault://kv/gw/research#key";

/** The valid fleet with one agent's key read by the node. */
function fleet(reference = REFERENCE): FleetInput {
  return fleetWith(files.sshKey, (node) => ({
    ...node,
    gateways: node.gateways.map((gateway) => ({
      ...gateway,
      nodeIdentity: { vault: { address: "https://vault.example.net:8200", roleId: "gateway-role", secretId: "pulumi://vault-secret-id" } }, // prettier-ignore
      agents: gateway.agents.map((agent) =>
        agent.id === "research"
          ? { ...agent, credentials: [{ provider: "anthropic", secret: reference, resolve: "node" as const }] }
          : agent,
      ),
    })),
  }));
}

describe("a key that the node reads", () => {
  let run: MockedRun;
  beforeAll(async () => {
    run = await runFleet(fleet(), { secrets: SECRETS });
  });

  it("needs no value at deploy; the node's identity does", async () => {
    const failure: unknown = await runFleet(fleet(), { secrets: { "builder-anthropic": KEYS["builder-anthropic"] } }).catch((error: unknown) => error); // prettier-ignore
    if (!(failure instanceof ComponentError)) throw new Error(`no ComponentError: ${String(failure)}`);
    expect(failure.message).toContain("nodes[0].gateways[0].nodeIdentity.vault.secretId: pulumi://vault-secret-id is not set"); // prettier-ignore
    expect(failure.message).not.toContain(REFERENCE);
  });

  it("is no business of its agent's phase", () => {
    expect(revealed(find(run, "command:remote:Command", "team-a/research-agent").inputs["stdin"])).not.toContain(REFERENCE); // prettier-ignore
  });

  it("is shown to policies and in the outputs by reference and who reads it, without a fingerprint", () => {
    const place = { resolve: "node", provider: "anthropic", variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", ref: REFERENCE }; // prettier-ignore
    const agent = run.resources.find(
      ({ type, name }) => type === "gatehouse:index:Agent" && name === "team-a/research",
    );
    expect(agent?.inputs["credentials"]).toEqual([{ ...place, delivery: "environment", rotateEveryDays: 90 }]);
    expect(run.stackOutputs["nodes"]).toMatchObject({
      "box-1": { gateways: { "team-a": { agents: { research: { credentials: [{ ...place, version: "7" }] } } } } },
    });
  });

  it("is in the ledger by reference and version", () => {
    const lines = run.stackOutputs["ledger"] as readonly { readonly principal: string }[];
    const of = (principal: string) => lines.find((line) => line.principal === principal);
    expect(of("team-a/research")).toMatchObject({ ref: REFERENCE, fingerprint: null, masked: null, version: "7" });
    expect(of("team-a/builder")).toMatchObject({
      fingerprint: expect.stringMatching(/^h1\./) as string,
      version: null,
    });
  });

  it("shows policies how the node signs in: by reference, and with its launcher's files", () => {
    const gateway = run.resources.find(({ type }) => type === "gatehouse:index:Gateway");
    expect(gateway?.inputs["nodeIdentity"]).toMatchObject({ vault: { secretId: "pulumi://vault-secret-id" } });
    const paths = gateway?.inputs["paths"] as readonly { readonly path: string }[];
    expect(paths.map(({ path }) => path)).toContain("/home/oc-team-a/.config/gatehouse/launch.mjs");
  });

  it("marks its gateway's layers by its reference", () => {
    const gateway = run.resources.find(({ type }) => type === "gatehouse:index:Gateway");
    expect(gateway?.inputs["providerFingerprints"]).toMatchObject({ "research/anthropic": REFERENCE });
  });

  it("changes the generation when its reference does, and neither without", async () => {
    const generation = (of: MockedRun): string =>
      /"generation":"(g-[0-9a-f]{16})"/.exec(JSON.stringify(of.stackOutputs["nodes"]))?.[1] ?? "none";
    const [same, other] = [await runFleet(fleet(), { secrets: SECRETS }), await runFleet(fleet("vault://kv/gw/other#key"), { secrets: SECRETS })]; // prettier-ignore
    expect(generation(run)).toMatch(/^g-/);
    expect(generation(same)).toBe(generation(run));
    expect(generation(other)).not.toBe(generation(run));
  });

  it("leaves the identity's secret in nothing that can be seen", () => {
    const seen = JSON.stringify([run.resources.map(({ inputs }) => visible(inputs)), visible(run.outputs)]);
    expect(seen).not.toContain("CANARY");
    for (const { name, inputs } of commands(run)) expect(visible(inputs), name).toMatchObject({ stdin: "[secret]" });
  });
});

describe("a key that the operator has no login for", () => {
  it("is refused before anything is registered", async () => {
    const registered: string[] = [];
    const deployed = fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: node.gateways.map((gateway) => ({
        ...gateway,
        agents: gateway.agents.map((agent) => ({
          ...agent,
          credentials: [{ provider: "anthropic", secret: REFERENCE }],
        })),
      })),
    }));
    const run = runFleet(deployed, { onRegister: (name) => registered.push(name) });
    await expect(run).rejects.toThrow(`${REFERENCE} VAULT_ADDR is not set; set VAULT_ADDR and \`vault login\``);
    expect(registered).toEqual([]);
  });
});
