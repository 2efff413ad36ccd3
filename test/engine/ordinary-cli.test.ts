import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeyPair } from "../../sandbox/node/keys.ts";
import type { FleetInput } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";
import { canaryKey } from "./fleet-fixture.ts";
import { OrdinaryPulumi, POLICIES, ROOT } from "./ordinary-pulumi.ts";

const TIMEOUT_MS = 240_000;
const SHARED = "vault://kv/prod/research#key";

interface Exported {
  readonly deployment: { resources?: object[] };
}

/** The valid fleet, whose first agent's key is kept where another stack's ledger has one. */
function fleetBeside(otherStack: string): FleetInput {
  const fleet: FleetInput = validFleet();
  const vault = { address: "https://vault.example.net:8200", roleId: "x", secretId: "pulumi://node-secret-id" };
  return {
    ...fleet,
    otherStacks: [otherStack],
    nodes: fleet.nodes.map((node) => ({
      ...node,
      connection: { ...node.connection, privateKey: undefined },
      gateways: node.gateways.map((gateway) => ({
        ...gateway,
        nodeIdentity: { vault },
        agents: gateway.agents.map((agent, index) =>
          index === 0
            ? { ...agent, credentials: [{ provider: "anthropic", secret: SHARED, resolve: "node" as const }] }
            : agent,
        ),
      })),
    })),
  };
}

describe("Pulumi.example.yaml under the ordinary CLI", { timeout: TIMEOUT_MS }, () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-example-"));
  const canary = canaryKey();
  let pulumi: OrdinaryPulumi;

  beforeAll(async () => {
    pulumi = await OrdinaryPulumi.prepare(work, { PULUMI_CONFIG_PASSPHRASE: "test" });
    cpSync(join(ROOT, "Pulumi.example.yaml"), join(pulumi.project, "Pulumi.fleet.yaml"));
    expect(await pulumi.run(["stack", "init", "fleet"])).toMatchObject({ status: 0 });
  }, TIMEOUT_MS);

  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  const preview = () => pulumi.run(["preview", "--policy-pack", POLICIES, "--diff"]);

  it("names every secret that is missing, in one error", async () => {
    const { status, output } = await preview();
    expect(status).toBe(1);
    const references = new Set(readFileSync(join(ROOT, "Pulumi.example.yaml"), "utf8").match(/pulumi:\/\/[a-z0-9-]+/g));
    expect(references.size).toBeGreaterThan(5);
    for (const reference of references) expect(output).toContain(`${reference} is not set`);
  });

  it("previews the whole fleet with the policy pack, the Macs as well, and shows no secret", async () => {
    const keys = readFileSync(join(ROOT, "Pulumi.example.yaml"), "utf8").matchAll(
      /config set --secret (gatehouse:\S+)/g,
    );
    for (const [, key = ""] of keys) {
      const value = key.endsWith("ssh-key") ? generateKeyPair("example").privateKey : canary;
      expect(await pulumi.run(["config", "set", "--secret", key], value)).toMatchObject({ status: 0 });
    }
    const { status, output } = await preview();
    expect(status, output).toBe(0);
    for (const token of ["GatewayNode", "Runtime", "Gateway", "Agent"])
      expect(output).toContain(`gatehouse:index:${token}`);
    // one bootstrap for each machine, two of which are Macs
    expect(new Set(output.match(/::[a-z0-9-]+-bootstrap\]/g)).size).toBe(3);
    expect(output).not.toContain("[mandatory]");
    expect(output).not.toContain(canary);
  });
});

describe("another stack of the team", { timeout: TIMEOUT_MS }, () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-stacks-"));
  let pulumi: OrdinaryPulumi;

  beforeAll(async () => {
    pulumi = await OrdinaryPulumi.prepare(work, { PULUMI_CONFIG_PASSPHRASE: "test" });
    expect(await pulumi.run(["stack", "init", "other"])).toMatchObject({ status: 0 });
    const file = join(work, "other.json");
    expect(await pulumi.run(["stack", "export", "--file", file])).toMatchObject({ status: 0 });
    const exported = JSON.parse(readFileSync(file, "utf8")) as Exported;
    const type = "pulumi:pulumi:Stack";
    const ledger = [{ track: "provider", principal: "gw/agent", environment: "trial", ref: SHARED }];
    exported.deployment.resources = [
      { urn: `urn:pulumi:other::gatehouse::${type}::gatehouse-other`, type, custom: false, outputs: { ledger } },
    ];
    writeFileSync(file, JSON.stringify(exported));
    const imported = await pulumi.run(["stack", "import", "--file", file]);
    expect(imported.status, imported.output).toBe(0);
    expect(await pulumi.run(["stack", "init", "two"])).toMatchObject({ status: 0 });
  }, TIMEOUT_MS);
  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  /** A preview with the pack of the fleet beside that stack. */
  async function preview(otherStack: string): Promise<{ readonly status: number; readonly output: string }> {
    const settings = join(pulumi.project, "Pulumi.two.yaml");
    const before = parse(readFileSync(settings, "utf8")) as Readonly<Record<string, unknown>>;
    writeFileSync(settings, stringify({ ...before, config: { "gatehouse:fleet": fleetBeside(otherStack) } }));
    for (const key of ["builder-anthropic", "node-secret-id"]) {
      const set = await pulumi.run(["config", "set", "--secret", `gatehouse:${key}`], canaryKey());
      expect(set.status, set.output).toBe(0);
    }
    return await pulumi.run(["preview", "--policy-pack", POLICIES]);
  }

  it("is read by the real engine: a credential of both is refused", async () => {
    const { status, output } = await preview("organization/gatehouse/other");
    const text = output.replace(/\s+/g, " ");
    expect(status, output).toBe(1);
    expect(text).toContain(`GH101 One agent for each credential: team-a/research: ${SHARED} is also the credential of`);
    expect(text).toContain(`${SHARED} is also used in environment trial, by organization/gatehouse/other gw/agent`);
  });

  it("that is not there stops the preview", async () => {
    const { status, output } = await preview("organization/gatehouse/nobody");
    expect(status, output).toBe(1);
    expect(output).toContain("organization/gatehouse/nobody");
  });
});

describe("the rotation guard", { timeout: TIMEOUT_MS }, () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-guard-"));
  let pulumi: OrdinaryPulumi;
  const urnOf = (types: readonly string[], name: string): string =>
    `urn:pulumi:guard::gatehouse::${types.join("$")}::${name}`;
  const component = (types: readonly string[], name: string, more: object): object => ({
    urn: urnOf(types, name),
    type: types.at(-1),
    custom: false,
    ...more,
  });

  /** The state of a gateway that was provisioned with another token and other keys. */
  beforeAll(async () => {
    pulumi = await OrdinaryPulumi.prepare(work, { PULUMI_CONFIG_PASSPHRASE: "test" });
    expect(await pulumi.run(["stack", "init", "guard"])).toMatchObject({ status: 0 });
    for (const key of ["research-anthropic", "builder-anthropic"]) {
      const set = await pulumi.run(["config", "set", "--secret", `gatehouse:${key}`], canaryKey());
      expect(set.status, set.output).toBe(0);
    }
    const file = join(work, "guard.json");
    expect(await pulumi.run(["stack", "export", "--file", file])).toMatchObject({ status: 0 });
    const exported = JSON.parse(readFileSync(file, "utf8")) as Exported;
    const [stackType, node, gateway] = [
      "pulumi:pulumi:Stack",
      "gatehouse:index:GatewayNode",
      "gatehouse:index:Gateway",
    ];
    const inputs = {
      tokenFingerprint: "h1.before.token",
      providerFingerprints: { "research/anthropic": "h1.before.research", "builder/anthropic": "h1.before.builder" },
    };
    exported.deployment.resources = [
      component([stackType], "gatehouse-guard", {}),
      component([node], "box-1", { parent: urnOf([stackType], "gatehouse-guard") }),
      component([node, gateway], "team-a", { parent: urnOf([node], "box-1"), inputs }),
    ];
    writeFileSync(file, JSON.stringify(exported));
    const imported = await pulumi.run(["stack", "import", "--file", file]);
    expect(imported.status, imported.output).toBe(0);
  }, TIMEOUT_MS);
  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  async function preview(change: FleetInput["change"]): Promise<{ readonly status: number; readonly output: string }> {
    const settings = join(pulumi.project, "Pulumi.guard.yaml");
    const before = parse(readFileSync(settings, "utf8")) as { readonly config: object };
    const fleet: FleetInput = validFleet();
    const nodes = fleet.nodes.map((node) => ({
      ...node,
      connection: { ...node.connection, privateKey: undefined },
    }));
    const config = { ...before.config, "gatehouse:fleet": { ...fleet, nodes, ...(change && { change }) } };
    // quoted: the engine's YAML takes a bare date-time for a date
    writeFileSync(settings, stringify({ ...before, config }, { defaultStringType: "QUOTE_DOUBLE" }));
    return await pulumi.run(["preview"]);
  }

  it("stops both layers in one preview, with the ordinary CLI and no policy pack", async () => {
    const { status, output } = await preview(undefined);
    expect(status, output).toBe(1);
    expect(output.replace(/\s+/g, " ")).toContain(
      "gateway 'team-a': this update changes the gateway token and the provider keys of",
    );
    expect(output).toContain("rotateTogether");
  });

  it("lets them pass with a recorded reason", async () => {
    const { status, output } = await preview({
      ticket: "SEC-1",
      window: { from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z" },
      blastRadius: "team-a",
      rollbackPoint: "none: the old values are burnt",
      rotateTogether: { reason: "laptop stolen" },
    });
    expect(status, output).toBe(0);
  });
});
