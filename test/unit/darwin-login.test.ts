import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nodePaths } from "../../node/lib/paths.ts";
import { homePaths } from "../../node/lib/paths.ts";
import { domainExists, domainOf, findJob, isDisabled } from "../../node/platform/darwin/launchctl.ts";
import { gatewayLabel, gatewayOf, startOf } from "../../node/platform/darwin/names.ts";
import { darwinServices } from "../../node/platform/darwin/services.ts";
import { ended, FakeLaunchd } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn(), ask: vi.fn(), home: "" }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));
vi.mock(import("../../node/lib/root-link.ts"), async (original) => ({
  ...(await original()),
  rootLink: () => ({ ask: hands.ask }) as never,
}));
vi.mock(import("../../node/lib/gateway-user.ts"), async (original) => ({
  ...(await original()),
  ownUser: () => ({ name: "jo", uid: 502, gid: 20, home: hands.home, shell: "/bin/zsh" }),
}));

const UNIT = "org.gatehouse.login-gateway.team-c";
const DAEMON = "org.gatehouse.gateway.team-c";
const GENERATION = `g-${"1".repeat(16)}`;

let launchd: FakeLaunchd;
let definition: string;
beforeEach(() => {
  hands.home = mkdtempSync(join(tmpdir(), "gatehouse-login-"));
  definition = join(hands.home, "Library/LaunchAgents", `${UNIT}.plist`);
  mkdirSync(join(hands.home, ".openclaw"));
  launchd = new FakeLaunchd();
  launchd.definitions.set(definition, { arguments: ["/bin/sh"], environment: {} });
  hands.exec.mockImplementation(launchd.run);
  hands.ask.mockReset().mockResolvedValue(null);
});
afterEach(() => {
  rmSync(hands.home, { recursive: true });
});
const place = () => darwinServices.place(homePaths(hands.home), { unit: UNIT, generation: GENERATION, content: "<plist/>" }, []); // prettier-ignore

describe("a label", () => {
  it("says whose gateway it is and when that starts", () => {
    for (const startsAt of ["boot", "login"] as const) {
      expect(startOf(gatewayLabel("team-c", startsAt))).toBe(startsAt);
      expect(gatewayOf(gatewayLabel("team-c", startsAt))).toBe("team-c");
    }
    expect([gatewayLabel("team-c", "login"), gatewayLabel("team-c", "boot")]).toEqual([UNIT, DAEMON]);
    expect([domainOf("login", 502), domainOf("boot", 502)]).toEqual(["gui/502", "system"]);
  });
});

describe("a domain", () => {
  it("is there with its user's session", async () => {
    expect(await domainExists("gui/502")).toBe(false);
    launchd.sessions.add(502);
    expect(await domainExists("gui/502")).toBe(true);
    expect(await domainExists("gui/503")).toBe(false);
  });
  it.each([112, 125] as const)("that is not there (%i) has no jobs and disables nothing", async (status) => {
    launchd.noSession = status;
    expect(await findJob(UNIT, "gui/502")).toBeUndefined();
    expect(await isDisabled(UNIT, "gui/502")).toBe(false);
  });
  it("of the machine is always there: the same answers prove nothing", async () => {
    hands.exec.mockResolvedValue(ended(112, "", "Could not find domain for\n"));
    await expect(findJob(DAEMON)).rejects.toMatchObject({ code: "launchd" });
    await expect(isDisabled(DAEMON)).rejects.toMatchObject({ code: "launchd" });
  });
});

describe("the unit of a gateway that starts at a login", () => {
  it("is a private file of its user, who writes it and tells root", async () => {
    const home = homePaths(hands.home);
    expect(darwinServices.unitFile(home, UNIT)).toEqual({ path: definition, mode: 0o600, owner: "gateway user" });
    await place();
    expect(readFileSync(definition, "utf8")).toBe("<plist/>");
    expect(lstatSync(definition).mode & 0o777).toBe(0o600);
    expect(hands.ask).toHaveBeenCalledExactlyOnceWith({ verb: "place", generation: GENERATION });
    const placed = { unit: UNIT, generation: GENERATION, content: "<plist/>" };
    expect(await darwinServices.isPlaced(home, placed)).toBe(true);
    writeFileSync(definition, "<plist>edited</plist>");
    expect(await darwinServices.isPlaced(home, placed)).toBe(false);
    await darwinServices.removeUnit(home, UNIT);
    expect(existsSync(definition)).toBe(false);
  });
  it("leaves the mode of a folder that is the user's own", async () => {
    mkdirSync(join(hands.home, "Library/LaunchAgents"), { recursive: true, mode: 0o755 });
    await place();
    expect(lstatSync(join(hands.home, "Library/LaunchAgents")).mode & 0o777).toBe(0o755);
  });
  it("is root's for one that starts at boot", async () => {
    const home = homePaths(hands.home);
    const path = join(nodePaths().daemons, `${DAEMON}.plist`);
    expect(darwinServices.unitFile(home, DAEMON)).toEqual({ path, mode: 0o644, owner: "root" });
    await darwinServices.place(home, { unit: DAEMON, generation: GENERATION, content: "<plist/>" }, []);
    expect(existsSync(join(hands.home, "Library"))).toBe(false);
  });
  it("is looked for in its user's session", async () => {
    await place();
    launchd.sessions.add(502);
    launchd.load(UNIT, definition, 77);
    expect(await darwinServices.state(UNIT)).toMatchObject({ active: "active", mainPid: 77, enabled: true });
    const { evidence } = await darwinServices.inspect(UNIT);
    expect(evidence).toMatchObject({ needsReload: false, launchd: { state: "running", session: true } });
    expect(launchd.calls).toContain(`print gui/502/${UNIT}`);
    expect(launchd.calls.filter((call) => call.includes("system"))).toEqual([]);
  });
  it("is not loaded without one, which is told", async () => {
    await place();
    expect(await darwinServices.state(UNIT)).toMatchObject({ active: "inactive", sub: "not loaded", enabled: true });
    const { evidence } = await darwinServices.inspect(UNIT);
    expect(evidence.launchd).toEqual({ state: "not loaded", lastEnd: null, disabled: false, session: false });
  });
});
