import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KNOWN_OPTION } from "../../node/protocol.ts";
import { parseOutputs } from "../../operations/outputs.ts";
import type { FleetInput } from "../../spec/index.ts";
import { HOST_KEY } from "../fleet-input.ts";
import { KEYS, OperatorFiles, fleetWith, runFleet } from "./fleet.ts";
import {
  COMMAND,
  commands,
  find,
  MACHINE_ID,
  OBSERVATION,
  openedStdin,
  revealed,
  visible,
  type MockedRun,
} from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const KIND: Readonly<Record<string, string>> = {
  "gatehouse:index:GatewayNode": "GatewayNode",
  "gatehouse:index:Runtime": "Runtime",
  "gatehouse:index:Gateway": "Gateway",
  "gatehouse:index:Agent": "Agent",
  "command:remote:Command": "Command",
  [OBSERVATION]: "Observation",
  "tls:index/privateKey:PrivateKey": "PrivateKey",
};

/** `parent > Kind name` of each resource, sorted. */
function tree(run: MockedRun): string[] {
  return run.resources.map(({ parent, type, name }) => `${parent} > ${KIND[type] ?? type} ${name}`).sort();
}

const order = (run: MockedRun) => Object.fromEntries(commands(run).map(({ name, dependsOn }) => [name, dependsOn]));

describe("one node with one gateway of two agents", () => {
  let run: MockedRun;
  beforeAll(async () => {
    run = await runFleet(fleetWith(files.sshKey));
  });

  it("is this tree of stable names and types", () => {
    expect(tree(run)).toEqual([
      " > GatewayNode box-1",
      " > PrivateKey fingerprint-key",
      "box-1 > Command box-1-bootstrap",
      "box-1 > Command box-1-runtime",
      "box-1 > Gateway team-a",
      "box-1 > Observation box-1-observation",
      "box-1 > PrivateKey team-a-token-seed",
      "box-1 > Runtime box-1",
      "team-a > Agent team-a/builder",
      "team-a > Agent team-a/research",
      "team-a > Command team-a-account",
      "team-a > Command team-a-gateway",
      "team-a > Command team-a-verify",
      "team-a > Observation team-a-observation",
      "team-a/builder > Command team-a/builder-agent",
      "team-a/research > Command team-a/research-agent",
    ]);
  });

  it("runs the phases in order, the runtime beside account and agents", () => {
    expect(order(run)).toEqual({
      "box-1-bootstrap": [],
      "box-1-runtime": ["box-1-bootstrap", "box-1-observation"],
      "team-a-account": ["box-1-bootstrap", "team-a-observation"],
      "team-a/research-agent": ["fingerprint-key", "team-a-account", "team-a-observation"],
      "team-a/builder-agent": ["fingerprint-key", "team-a-account", "team-a-observation", "team-a/research-agent"],
      "team-a-gateway": [
        "box-1-runtime",
        "fingerprint-key",
        "team-a-account",
        "team-a-observation",
        "team-a-token-seed",
        "team-a/builder-agent",
        "team-a/research-agent",
      ],
      "team-a-verify": ["fingerprint-key", "team-a-gateway", "team-a-observation", "team-a-token-seed"],
    });
  });

  it("has what refresh reads before the phases that it may make run again, and nothing but the connection is secret", () => {
    const observed = run.resources.filter(({ type }) => type === OBSERVATION);
    expect(Object.fromEntries(observed.map(({ name, dependsOn }) => [name, dependsOn]))).toEqual({
      "box-1-observation": ["box-1-bootstrap"],
      "team-a-observation": ["box-1-bootstrap", "fingerprint-key", "team-a-token-seed"],
    });
    const programId = expect.any(String) as unknown;
    const common = { connection: "[secret]", programId, machineId: MACHINE_ID };
    expect(observed.map(({ inputs }) => visible(inputs))).toEqual([
      { ...common, machine: { alwaysOn: true, runtime: expect.any(String) as unknown } },
      {
        ...common,
        gateway: {
          gateway: "team-a",
          user: "oc-team-a",
          home: "/home/oc-team-a",
          unit: "openclaw-gateway.service",
          generation: expect.stringMatching(/^g-/) as unknown,
          agents: ["research", "builder"],
          metrics: expect.objectContaining({ intervalSeconds: 60 }) as unknown,
        },
      },
    ]);
  });

  it("runs the phases again whose work drift has undone, with a command that the node takes as the same", async () => {
    const observed = { "team-a-observation": { deviations: ["x"], due: ["gateway"], repeats: { verify: 2 } } } as const;
    const drifted = await runFleet(fleetWith(files.sshKey), { observed });
    const updates = (of: MockedRun) => Object.fromEntries(commands(of).map(({ name, inputs }) => [name, String(inputs["update"])])); // prettier-ignore
    const [before, after] = [updates(run), updates(drifted)];
    const counts = { "team-a-gateway": 1, "team-a-verify": 2 };
    for (const [name, count] of Object.entries(counts)) {
      expect(after[name]).toBe(before[name]?.replace("sh -c '", `sh -c ': repeat ${count}; `));
    }
    for (const name of Object.keys(before)) if (!(name in counts)) expect(after[name], name).toBe(before[name]);
    const creates = (of: MockedRun) => commands(of).map(({ inputs }) => inputs["create"]);
    expect(creates(drifted)).toEqual(creates(run));
  });

  it("gives every command the options that keep secrets and connections safe", () => {
    for (const { name, inputs, additionalSecretOutputs, deleteBeforeReplace } of commands(run)) {
      expect(
        Object.keys(inputs)
          .filter((key) => key !== "delete")
          .sort(),
        name,
      ).toEqual(["addPreviousOutputInEnv", "connection", "create", "logging", "stdin", "update"].sort());
      expect(inputs, name).toMatchObject({ addPreviousOutputInEnv: false, logging: "none" });
      expect([...additionalSecretOutputs].sort(), name).toEqual(expect.arrayContaining(["stderr", "stdout"]));
      expect(deleteBeforeReplace, name).toBe(true);
    }
  });

  it("replaces with a phase what stands on it, so that a gateway is made and confirmed again", () => {
    expect(Object.fromEntries(commands(run).map(({ name, replaceWith }) => [name, replaceWith]))).toEqual({
      "box-1-bootstrap": [],
      "box-1-runtime": [],
      "team-a-account": [],
      "team-a/research-agent": ["team-a-account"],
      "team-a/builder-agent": ["team-a-account"],
      "team-a-gateway": ["team-a-account", "team-a/builder-agent", "team-a/research-agent"],
      "team-a-verify": ["team-a-gateway"],
    });
  });

  it("says to the node whether the resource was there before, and what to remove", () => {
    for (const { name, inputs } of commands(run)) {
      expect(String(inputs["create"]), name).not.toContain(KNOWN_OPTION);
      expect(String(inputs["update"]), name).toContain(KNOWN_OPTION);
      const leaves = !/-(bootstrap|verify)$/.test(name);
      expect("delete" in inputs, name).toBe(leaves);
      if (leaves) expect(String(inputs["delete"]), name).toMatch(/gatehouse-node remove \w+ --known/);
    }
  });

  it("dials once, with the pinned key and nothing else", () => {
    const { connection } = find(run, COMMAND, "team-a-verify").inputs as { connection: { value: object } };
    expect(connection.value).toEqual({
      host: "192.0.2.10",
      port: 22,
      user: "ops",
      hostKey: HOST_KEY,
      privateKey: expect.anything() as unknown,
      dialErrorLimit: 0,
      perDialTimeout: 15,
    });
  });

  it("shows policies the public view of the node", () => {
    expect(find(run, "gatehouse:index:GatewayNode", "box-1").inputs).toMatchObject({
      node: "box-1",
      platform: "linux",
      connection: {
        host: "192.0.2.10",
        port: 22,
        user: "ops",
        hostKeyType: "ssh-ed25519",
        hostKeyFingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/) as unknown,
      },
      runtime: { nodeVersion: "24.21.0", openclawVersion: "2026.9.6" },
    });
  });

  it("shows policies modes, owners and bind address of gateway and agents", () => {
    const gateway = find(run, "gatehouse:index:Gateway", "team-a").inputs;
    expect(gateway).toMatchObject({ environment: "prod", user: "oc-team-a", port: 18789, bind: "loopback" });
    for (const view of [gateway, find(run, "gatehouse:index:Agent", "team-a/research").inputs]) {
      const paths = view["paths"] as { path: string; mode: string; kind: string; owner: string }[];
      expect(paths.length).toBeGreaterThan(0);
      for (const { path, mode, kind, owner } of paths) {
        expect(path).toMatch(/^\/home\/oc-team-a(\/|$)/);
        expect([mode, owner]).toEqual([kind === "directory" ? "0700" : "0600", "oc-team-a"]);
      }
    }
  });

  it("leaves outputs that operations can read", () => {
    const { nodes } = parseOutputs({ nodes: run.stackOutputs["nodes"] });
    expect(nodes["box-1"]).toMatchObject({ host: "192.0.2.10", port: 22, platform: "linux", machineId: MACHINE_ID });
    expect(nodes["box-1"]?.gateways["team-a"]).toMatchObject({
      endpoint: "ws://127.0.0.1:18789",
      unit: "openclaw-gateway.service",
      health: "ready",
      unitState: "active (running)",
      openclawVersion: "2026.9.6",
      agents: {
        research: {
          model: "anthropic/claude-opus-4-8",
          credentials: [
            {
              provider: "anthropic",
              variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY",
              ref: "pulumi://research-anthropic",
              fingerprint: expect.stringMatching(/^h1\./) as unknown,
              masked: "sk-a…CDEF",
            },
          ],
        },
      },
    });
  });
});

describe("two gateways on one node", () => {
  const agent = (id: string) => ({
    id,
    model: "anthropic/claude-opus-4-8",
    credentials: [{ provider: "anthropic", secret: "pulumi://research-anthropic" }],
  });
  const gateway = (name: string, port: number, agentId: string) => ({
    name,
    environment: "staging",
    user: `oc-${name}`,
    port,
    agents: [agent(agentId)],
  });

  function twoGateways(): FleetInput {
    // gateway `aa` with agent `bb-cc` and gateway `aa-bb` with agent `cc` would share a name joined by dashes
    return fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: [gateway("aa", 18789, "bb-cc"), gateway("aa-bb", 18989, "cc")],
    }));
  }

  it("have names that never meet", async () => {
    const run = await runFleet(twoGateways(), { secrets: KEYS });
    const names = run.resources.map(({ type, parent, name }) => `${type} ${parent} ${name}`);
    const agents = run.resources.filter(({ type }) => type === "gatehouse:index:Agent").map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(agents.sort()).toEqual(["aa-bb/cc", "aa/bb-cc"]);
  });

  it("start one after the other", async () => {
    const run = await runFleet(twoGateways());
    expect(order(run)["aa-bb-gateway"]).toContain("aa-verify");
    expect(order(run)["aa-gateway"]).not.toContain("aa-bb-verify");
    expect(order(run)["aa-bb-account"]).toEqual(["aa-bb-observation", "box-1-bootstrap"]);
  });

  it("take the fleet's change where they declare none", async () => {
    const change = (ticket: string) => ({
      ticket,
      window: { from: "2026-12-01T20:00:00Z", to: "2026-12-01T22:00:00Z" },
      blastRadius: "one restart",
      rollbackPoint: "the previous generation",
    });
    const fleet = fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: [{ ...gateway("aa", 18789, "bb"), change: change("OWN-1") }, gateway("cc", 18989, "dd")],
    }));
    const run = await runFleet({ ...fleet, change: change("FLEET-1") });
    const ticket = (name: string) => find(run, "gatehouse:index:Gateway", name).inputs["change"];
    expect(ticket("aa")).toMatchObject({ ticket: "OWN-1" });
    expect(ticket("cc")).toMatchObject({ ticket: "FLEET-1" });
    for (const { name, inputs } of commands(run))
      expect(openedStdin(revealed(inputs["stdin"])), name).not.toContain("FLEET-1");
  });
});
