import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { find } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const mac = () => fleetWith(files.sshKey, (node) => ({ ...node, platform: "macos" as const }));

describe("a fleet with a macOS node", () => {
  it("is previewed: public views, one warning, no command", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const run = await runFleet(mac(), { preview: true });
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/^gateways on macos can be previewed, not provisioned yet/) as unknown,
    ]);
    expect(
      run.resources
        .map(({ type }) => type)
        .filter((type) => type.startsWith("gatehouse:"))
        .sort(),
    ).toEqual([
      "gatehouse:index:Agent",
      "gatehouse:index:Agent",
      "gatehouse:index:Gateway",
      "gatehouse:index:GatewayNode",
      "gatehouse:index:Runtime",
    ]);
    expect(run.resources.map(({ type }) => type)).not.toContain("command:remote:Command");
    expect(find(run, "gatehouse:index:Agent", "team-a/research").inputs["credentials"]).toMatchObject([
      { provider: "anthropic", ref: "pulumi://research-anthropic", variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY" },
    ]);
  });

  it("is refused by an update before anything is registered", async () => {
    const registered: string[] = [];
    const run = runFleet(mac(), { onRegister: (name) => registered.push(name) });
    await expect(run).rejects.toThrow("node 'box-1': gateways on macos can be previewed, not provisioned yet");
    expect(registered).toEqual([]);
  });
});

describe("a fleet that can't be used", () => {
  it("is one error that names each field", async () => {
    const registered: string[] = [];
    const fleet = fleetWith(files.sshKey, (node) => ({ ...node, connection: { ...node.connection, port: 70000 } }));
    const run = runFleet({ ...fleet, environments: [] }, { onRegister: (name) => registered.push(name) });
    await expect(run).rejects.toThrow(
      /gatehouse:fleet environments: [^]*gatehouse:fleet nodes\[0\]\.connection\.port: /,
    );
    expect(registered).toEqual([]);
  });
});
