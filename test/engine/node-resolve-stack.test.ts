import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const KEYS = { first: canaryKey(), second: canaryKey(), delivered: canaryKey() } as const;
const USER = "oc-team-a";

// The real engine and a real node; Vault and the model provider are stand-ins on loopback.
describe.skipIf(!(await nodesCanRun()))("a stack whose node reads a key", () => {
  let bench: FleetBench;
  const vault = new VaultStandIn();
  beforeAll(async () => {
    await vault.start();
    vault.store.set("gw/research", [KEYS.first, KEYS.second]);
    bench = await FleetBench.start("test-node-resolve-stack", KEYS);
    Object.assign(bench.secrets, { "vault-secret-id": vault.secretId, "team-a-builder": KEYS.delivered });
  }, START_MS);
  afterAll(async () => {
    await bench.stop();
    await vault.stop();
  });

  const fleet = (reference: string) => {
    const gateway = bench.gateway("team-a", 0, ["research", "builder"], {
      nodeIdentity: { vault: { address: vault.address, roleId: vault.roleId, secretId: "pulumi://vault-secret-id" } },
    });
    const [research, ...others] = gateway.agents;
    if (research === undefined) throw new Error("no agent");
    const credentials = [{ provider: "anthropic", secret: reference, resolve: "node" as const }];
    return bench.fleet([{ ...gateway, agents: [{ ...research, credentials }, ...others] }]);
  };
  const earlier: string[] = [];
  /** One real turn: it carried the key with this label, and no other but late helper calls of earlier turns. */
  const expectKey = async (agent: string, label: keyof typeof KEYS): Promise<void> => {
    const before = bench.provider.records().length;
    expect(await agentTurn(bench.node, { user: USER }, agent)).toMatchObject({ ok: true, detail: "" });
    expect(keyProblem(label, bench.provider.records().slice(before), earlier)).toBeUndefined();
    earlier.push(label);
  };

  it("shows the version that the process was given, and each agent sends its own key", async () => {
    const { outputs } = await bench.up("node-resolve", fleet("vault://kv/gw/research#key?version=1"));
    expect(outputs.nodes["box-1"]?.gateways["team-a"]?.agents["research"]?.credentials).toMatchObject([{ resolve: "node", version: "1" }]); // prettier-ignore
    expect(outputs.ledger.find(({ principal }) => principal === "team-a/research")).toMatchObject({ fingerprint: null, version: "1", issued: expect.any(String) as string }); // prettier-ignore
    await expectKey("research", "first");
    await expectKey("builder", "delivered");
  });

  it("rotates it by its reference: the date is new, the other key's is not, and the old key is no longer sent", async () => {
    const before = (await (await bench.open("node-resolve", fleet("vault://kv/gw/research#key?version=1"))).outputs())
      .ledger;
    const { outputs } = await bench.up("node-resolve", fleet("vault://kv/gw/research#key?version=2"));
    const dates = (ledger: typeof before, principal: string) => ledger.find((line) => line.principal === principal)?.rotated; // prettier-ignore
    expect(dates(outputs.ledger, "team-a/builder")).toBe(dates(before, "team-a/builder"));
    expect(dates(outputs.ledger, "team-a/research")).not.toBe(dates(before, "team-a/research"));
    const environ = await bench.output(`tr '\\0' '\\n' < /proc/${await bench.pid(USER)}/environ`);
    expect(environ).toContain(KEYS.second);
    expect(environ).not.toContain(KEYS.first);
    // the process with the old key is gone, and its late calls with it
    earlier.length = 0;
    await expectKey("research", "second");
  });

  it("fails by the reference's name when that is wrong, and the gateway serves on", async () => {
    const pid = await bench.pid(USER);
    const error = await bench.failedUp("node-resolve", fleet("vault://kv/gw/nowhere#key"));
    expect(error.message).toContain("cannot resolve vault://kv/gw/nowhere#key");
    expect(await bench.pid(USER)).toBe(pid);
    await expectKey("research", "second");
  });

  it("has left the key nowhere on the operator's side, and the identity in the stack's encrypted secrets only", async () => {
    const kept = await bench.operatorBytes();
    // so that the silence below means something
    expect(kept).toContain("vault://kv/gw/research#key?version=2");
    for (const secret of [KEYS.first, KEYS.second, vault.secretId]) expect(kept).not.toContain(secret);
  });
});
