import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import type { FleetInput, PresetName } from "../../spec/index.ts";
import { OperatorFiles } from "../component/fleet.ts";
import { HOST_KEY } from "../fleet-input.ts";
import { FAULTS } from "./faults.ts";
import { goodFleet, previewed, Stack } from "./stack.ts";

/** A mocked run of the program takes 0.2 s; each fleet is judged as it is and with one fault. */
const FLEETS = Number(process.env["GATEHOUSE_RANDOM_FLEETS"] ?? 200);

type GatewayInput = FleetInput["nodes"][number]["gateways"][number];

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

/** What may differ between good gateways. */
const gatewayShape = fc.record({
  environment: fc.constantFrom("live", "trial", "runners"),
  keepGenerations: fc.integer({ min: 3, max: 6 }),
  tokenRotateEveryDays: fc.integer({ min: 1, max: 90 }),
  ownToken: fc.boolean(),
  readsKeys: fc.boolean(),
  byFile: fc.boolean(),
  listen: fc.constantFrom(undefined, "loopback", "all", "198.51.100.9"),
  agents: fc.oneof(
    fc.constant<PresetName[]>(["operator"]),
    fc.array(fc.constantFrom<PresetName[]>("observer", "reader", "coder"), { minLength: 1, maxLength: 3 }),
  ),
  rotateEveryDays: fc.integer({ min: 1, max: 90 }),
});
type GatewayShape = typeof gatewayShape extends fc.Arbitrary<infer T> ? T : never;

const nodesShape = fc.array(fc.array(gatewayShape, { minLength: 1, maxLength: 3 }), { maxLength: 3 });

function gatewayOf(shape: GatewayShape, n: number, g: number): GatewayInput {
  const name = `gw-${n}-${g}`;
  const identity = { address: "https://vault.example.net:8200", roleId: name, secretId: `pulumi://${name}-vault` };
  return {
    name,
    environment: shape.environment,
    user: `oc-${name}`,
    port: 20000 + g * 200,
    keepGenerations: shape.keepGenerations,
    tokenRotateEveryDays: shape.tokenRotateEveryDays,
    ...(shape.ownToken && { token: `pulumi://${name}-token` }),
    ...(shape.listen !== undefined && { https: { listen: shape.listen, names: [`${name}.example.internal`] } }),
    ...(shape.readsKeys && { nodeIdentity: { vault: identity } }),
    agents: shape.agents.map((preset, a) => ({
      id: `agent-${a}`,
      model: "anthropic/claude-opus-4-8",
      permissions: { preset },
      credentials: [
        {
          provider: "anthropic",
          rotateEveryDays: shape.rotateEveryDays,
          ...(shape.readsKeys
            ? { secret: `vault://kv/${name}/agent-${a}#key`, resolve: "node" as const }
            : {
                secret: `pulumi://${name}-agent-${a}`,
                ...(shape.byFile && { delivery: "file" as const }),
              }),
        },
      ],
    })),
  };
}

function fleetOf(shapes: readonly (readonly GatewayShape[])[]): FleetInput {
  const base = goodFleet(files.sshKey);
  const nodes = shapes.map((gateways, n) => ({
    name: `extra-${n}`,
    platform: "linux" as const,
    connection: { host: `198.51.100.${n + 1}`, user: "ops", hostKey: HOST_KEY, privateKey: `file://${files.sshKey}` },
    downloads: { registry: "https://registry.example.com/" },
    gateways: gateways.map((shape, g) => gatewayOf(shape, n, g)),
  }));
  return { ...base, nodes: [...base.nodes, ...nodes] };
}

function keysOf(fleet: FleetInput): string[] {
  return [...JSON.stringify(fleet).matchAll(/pulumi:\/\/([\w-]+)/g)].map(([, key = ""]) => key);
}

const broken = (stack: Stack) => CATALOGUE.filter((rule) => stack.violations(rule).length > 0).map(({ id }) => id);

describe("random fleets", () => {
  it("have a fault for every rule to plant", () => {
    expect(Object.keys(FAULTS)).toEqual(CATALOGUE.map(({ id }) => id));
  });

  it(`are accepted by every rule, and with one fault refused by that rule alone: ${FLEETS} fleets`, async () => {
    const fault = fc.constantFrom(...Object.entries(FAULTS));
    await fc.assert(
      fc.asyncProperty(nodesShape, fault, async (shapes, [id, { plant, also = [] }]) => {
        const fleet = fleetOf(shapes);
        const resources = await previewed(fleet, keysOf(fleet));
        expect(broken(new Stack(resources))).toEqual([]);
        const stack = new Stack(structuredClone(resources));
        plant(stack);
        expect(broken(stack).sort()).toEqual([id, ...also].sort());
      }),
      // a counterexample is printed with its seed
      { numRuns: FLEETS },
    );
  }, 600_000);
});
