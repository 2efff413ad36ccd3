import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetInput } from "../../spec/index.ts";
import { fleetWith, KEYS, OperatorFiles, runFleet } from "./fleet.ts";
import { commands, OBSERVATION, type MockedRun } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

/**
 * Names of the resources whose inputs differ, sorted; a resource of one run only counts too. Observations are left out:
 * other inputs of theirs are recorded without an update.
 */
function changed(before: MockedRun, after: MockedRun): string[] {
  const texts = (run: MockedRun) =>
    new Map(run.resources.map(({ type, name, inputs }) => [`${type} ${name}`, JSON.stringify(inputs)]));
  const [old, now] = [texts(before), texts(after)];
  const keys = new Set([...old.keys(), ...now.keys()].filter((key) => !key.startsWith(OBSERVATION)));
  return [...keys].filter((key) => old.get(key) !== now.get(key)).sort();
}

const COMMAND = (name: string) => `command:remote:Command ${name}`;

type Gateway = FleetInput["nodes"][number]["gateways"][number];

function withGateway(change: (gateway: Gateway) => Gateway): FleetInput {
  return fleetWith(files.sshKey, (node) => ({ ...node, gateways: node.gateways.map(change) }));
}

describe("a second run", () => {
  let before: MockedRun;
  beforeAll(async () => {
    before = await runFleet(fleetWith(files.sshKey));
  });

  it("of the same fleet asks for nothing new", async () => {
    expect(changed(before, await runFleet(fleetWith(files.sshKey)))).toEqual([]);
  });

  it("with one rotated key touches that agent, the generation and its confirmation", async () => {
    const secrets = { ...KEYS, "research-anthropic": `${KEYS["research-anthropic"]}2` };
    expect(changed(before, await runFleet(fleetWith(files.sshKey), { secrets }))).toEqual([
      COMMAND("team-a-gateway"),
      COMMAND("team-a-verify"),
      COMMAND("team-a/research-agent"),
      "gatehouse:index:Agent team-a/research",
      "gatehouse:index:Gateway team-a",
    ]);
  });

  it("with one agent removed leaves the other agent, account and runtime alone", async () => {
    const fleet = withGateway((gateway) => ({ ...gateway, agents: gateway.agents.slice(0, 1) }));
    expect(changed(before, await runFleet(fleet))).toEqual([
      COMMAND("team-a-gateway"),
      COMMAND("team-a-verify"),
      COMMAND("team-a/builder-agent"),
      "gatehouse:index:Agent team-a/builder",
      "gatehouse:index:Gateway team-a",
    ]);
  });

  it("with a change declared runs nothing", async () => {
    const fleet = withGateway((gateway) => ({
      ...gateway,
      change: {
        ticket: "OPS-1",
        window: { from: "2026-12-01T20:00:00Z", to: "2026-12-01T22:00:00Z" },
        blastRadius: "one restart",
        rollbackPoint: "the previous generation",
      },
    }));
    expect(changed(before, await runFleet(fleet))).toEqual(["gatehouse:index:Gateway team-a"]);
  });

  it("at another address runs every phase, known to the node", async () => {
    const fleet = fleetWith(files.sshKey, (node) => ({
      ...node,
      connection: { ...node.connection, host: "192.0.2.11" },
    }));
    const after = await runFleet(fleet);
    const all = commands(before).map(({ name }) => COMMAND(name));
    expect(changed(before, after)).toEqual([...all, "gatehouse:index:GatewayNode box-1"].sort());
  });
});
