import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseFleet } from "../../spec/index.ts";
import { FLEET_SCHEMA_FILE, fleetJsonSchema, STACK_SCHEMA_FILE, stackJsonSchema } from "../../spec/json-schema.ts";
import { validFleet } from "../fleet-input.ts";

const root = join(import.meta.dirname, "../..");
const text = (path: string): string => readFileSync(join(root, path), "utf8");
const committed = (name: string): unknown => JSON.parse(text(`spec/${name}`));

type Json = Record<string, unknown>;
const exampleText = text("Pulumi.example.yaml");
const example = parse(exampleText) as { config: Record<string, unknown> };
const exampleFleet = (): unknown => structuredClone(example.config["gatehouse:fleet"]);

describe("the JSON Schema of a fleet", () => {
  const schema = z.fromJSONSchema(committed(FLEET_SCHEMA_FILE) as z.core.JSONSchema.JSONSchema);
  const validates = (value: unknown): boolean => schema.safeParse(value).success;
  const broken = (plant: (fleet: Json) => void): Json => {
    const fleet = structuredClone(validFleet()) as Json;
    plant(fleet);
    return fleet;
  };

  it("is what is committed (`npm run schema` writes it)", () => {
    expect(committed(FLEET_SCHEMA_FILE)).toEqual(fleetJsonSchema());
    expect(committed(STACK_SCHEMA_FILE)).toEqual(stackJsonSchema());
  });

  it("takes the valid fleet and the example", () => {
    expect(schema.safeParse(validFleet()).error?.issues).toBeUndefined();
    expect(schema.safeParse(exampleFleet()).error?.issues).toBeUndefined();
  });

  it("takes a fleet with every default filled in", () => {
    expect(schema.safeParse(parseFleet(exampleFleet())).error?.issues).toBeUndefined();
  });

  it.each<[string, (fleet: Json) => void]>([
    ["an unknown key", (fleet) => (fleet["nodse"] = [])],
    ["an unknown key of a node", (fleet) => ((fleet["nodes"] as Json[])[0] = { ...firstNode(fleet), gateway: [] })],
    ["a missing host key", (fleet) => delete (firstNode(fleet)["connection"] as Json)["hostKey"]],
    ["a port as text", (fleet) => (firstGateway(fleet)["port"] = "18789")],
    ["a key in place of its reference", (fleet) => (firstGateway(fleet)["token"] = "sk-ant-api03-x")],
  ])("refuses %s", (_title, plant) => {
    expect(validates(broken(plant))).toBe(false);
  });

  it("describes the fields with the doc comments of the spec", () => {
    const described = JSON.stringify(committed(FLEET_SCHEMA_FILE));
    expect(described).toContain("The server's pinned public key.");
    expect(described).toContain("Subresource integrity of the archive");
  });
});

describe("the JSON Schema of a stack's configuration", () => {
  const stack = committed(STACK_SCHEMA_FILE) as { properties: { config: { properties: Json } } };
  expect(stack.properties.config.properties).toEqual({ "gatehouse:fleet": { $ref: FLEET_SCHEMA_FILE } });
  stack.properties.config.properties["gatehouse:fleet"] = committed(FLEET_SCHEMA_FILE);
  const schema = z.fromJSONSchema(stack as z.core.JSONSchema.JSONSchema);
  const validates = (config: Json): boolean =>
    schema.safeParse({ encryptionsalt: "v1:x", config: { ...example.config, ...config } }).success;

  it("takes the example, encrypted secrets and the configuration of other packages", () => {
    expect(validates({ "gatehouse:research-token": { secure: "v1:x" }, "other:key": "value" })).toBe(true);
  });

  it("refuses a secret in clear, a misspelt fleet and a fleet of the wrong shape", () => {
    expect(validates({ "gatehouse:research-token": "sk-ant-api03-x" })).toBe(false);
    expect(validates({ "gatehouse:flete": {} })).toBe(false);
    expect(validates({ "gatehouse:fleet": {} })).toBe(false);
  });
});

describe("Pulumi.example.yaml", () => {
  it("names its schema on the first line", () => {
    expect(exampleText.split("\n")[0]).toBe(`# yaml-language-server: $schema=./spec/${STACK_SCHEMA_FILE}`);
  });

  it("is a fleet of two Macs and a Linux box with two environments", () => {
    const fleet = parseFleet(exampleFleet());
    expect(fleet.nodes.map((node) => node.platform)).toEqual(["macos", "macos", "linux"]);
    const used = new Set(fleet.nodes.flatMap((node) => node.gateways.map((gateway) => gateway.environment)));
    expect([...used].sort()).toEqual(["prod", "staging"]);
  });

  it("shares no key between agents, nor between environments", () => {
    const agents = parseFleet(exampleFleet()).nodes.flatMap((node) => node.gateways.flatMap(({ agents }) => agents));
    const secrets = agents.flatMap((agent) => agent.credentials.map((credential) => credential.secret));
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it("documents how to set each of its references, and no other", () => {
    const references = [...JSON.stringify(exampleFleet()).matchAll(/"pulumi:\/\/([^"]+)"/g)].map(([, key]) => key);
    const documented = [...exampleText.matchAll(/^# +pulumi config set --secret gatehouse:(\S+)/gm)].map(
      ([, key]) => key,
    );
    expect(new Set(documented)).toEqual(new Set(references));
    expect(documented).toHaveLength(new Set(references).size);
    expect(JSON.stringify(exampleFleet())).not.toMatch(/"(env|file):\/\//);
  });
});

function firstNode(fleet: Json): Json {
  return (fleet["nodes"] as Json[])[0] ?? {};
}

function firstGateway(fleet: Json): Json {
  return (firstNode(fleet)["gateways"] as Json[])[0] ?? {};
}
