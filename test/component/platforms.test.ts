import { afterAll, describe, expect, it } from "vitest";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { find } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const on = (platform: "linux" | "macos") => runFleet(fleetWith(files.sshKey, (node) => ({ ...node, platform })));

describe("a fleet with a macOS node", () => {
  it("is made of the same resources as on Linux", async () => {
    const names = async (platform: "linux" | "macos"): Promise<string[]> =>
      (await on(platform)).resources.map(({ type, name }) => `${type} ${name}`).sort();
    const linux = await names("linux");
    expect(linux).toContain("command:remote:Command box-1-bootstrap");
    expect(await names("macos")).toEqual(linux);
  });

  it("shows policies a job of launchd, and a home of macOS", async () => {
    const { inputs } = find(await on("macos"), "gatehouse:index:Gateway", "team-a");
    expect(inputs).toMatchObject({
      platform: "macos",
      service: { manager: "launchd-daemon", starts: "at boot" },
      launchdJob: { Label: "org.gatehouse.gateway.team-a", UserName: "oc-team-a" },
    });
    expect(inputs).not.toHaveProperty("unitText");
    expect(JSON.stringify(inputs["paths"])).not.toContain("/home/");
  });
});

describe("a gateway that starts at a login", () => {
  const run = async (startsAt: "boot" | "login") => {
    const resources = await runFleet(
      fleetWith(files.sshKey, (node) => ({ ...node, platform: "macos", gateways: node.gateways.map((gateway) => ({ ...gateway, startsAt })) })), // prettier-ignore
    );
    const { inputs } = find(resources, "gatehouse:index:Gateway", "team-a");
    const stdin = find(resources, "command:remote:Command", "team-a-account").inputs["stdin"];
    return { inputs, account: JSON.stringify(stdin) };
  };

  it("shows policies an agent of its user's, in that user's home, and what kind of account that is", async () => {
    const { inputs, account } = await run("login");
    expect(inputs).toMatchObject({
      unit: "org.gatehouse.login-gateway.team-a",
      service: { manager: "launchd-agent", starts: "at login" },
      account: { groups: ["staff"], password: "usable" },
      launchdJob: { Label: "org.gatehouse.login-gateway.team-a", LimitLoadToSessionType: "Aqua" },
    });
    expect(inputs["launchdJob"]).not.toHaveProperty("UserName");
    expect(inputs["paths"]).toContainEqual(
      expect.objectContaining({
        path: "/Users/oc-team-a/Library/LaunchAgents/org.gatehouse.login-gateway.team-a.plist",
        mode: "0600",
        owner: "oc-team-a",
      }),
    );
    expect(account).toContain("login");
  });
  it("and the account of one that starts at boot is asked for as before", async () => {
    expect((await run("boot")).account).not.toContain("startsAt");
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
