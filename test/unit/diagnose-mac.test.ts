import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { logEvidence } from "../../node/diagnose/log.ts";
import { ownNetworks, refusedPaths, unreachableHosts } from "../../node/diagnose/refused.ts";
import { scrubber } from "../../node/diagnose/scrub.ts";
import { parseJob } from "../../node/platform/darwin/launchctl.ts";
import { darwinServices, launchdEvidence } from "../../node/platform/darwin/services.ts";
import type { LaunchdEvidence } from "../../node/platform/services.ts";
import { serviceCommands, type NodePlatform } from "../../operations/diagnose/service-commands.ts";
import { verdictOf, type Verdict } from "../../operations/diagnose/verdict.ts";
import { ended } from "./darwin-fixture.ts";
import { healthy, type Healthy } from "./diagnose-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));

type Plant = (evidence: Healthy) => void;

function mac(...plants: readonly Plant[]): Verdict {
  return on("darwin", ...plants);
}

function on(platform: NodePlatform, ...plants: readonly Plant[]): Verdict {
  const evidence = healthy();
  evidence.node.platform = platform;
  Object.assign(evidence.node.gateway.unit ?? {}, {
    launchd: { state: "running", lastEnd: null, disabled: false } satisfies LaunchdEvidence,
  });
  for (const plant of plants) plant(evidence);
  return verdictOf(evidence);
}

const codes = ({ code, also }: Verdict): string[] => [code, ...also.map((one) => one.code)];

/** Nothing serves: the job is in this state of launchd's. */
const job =
  (active: string, sub: string, launchd: Partial<LaunchdEvidence> | undefined, lines: readonly string[] = []): Plant =>
  ({ node }) => {
    const unit = { active, sub, mainPid: 0, launchd: launchd && { state: "not running", lastEnd: null, disabled: false, ...launchd } }; // prettier-ignore
    Object.assign(node.gateway.unit ?? {}, unit);
    Object.assign(node.gateway.log ?? {}, { lines });
    node.listener = "nobody";
  };

describe("what launchd says of a job", () => {
  const text = (lines: readonly string[]) => parseJob(`x = {\n${lines.map((line) => `\t${line}`).join("\n")}\n}`);
  it.each([
    [["state = running", "last exit code = (never exited)"], "running", null],
    [["state = spawn scheduled", "last exit code = 78: EX_CONFIG"], "spawn scheduled", "78: EX_CONFIG"],
    [["state = not running", "last exit code = 0"], "not running", "0"],
    [["state = not running", "last terminating signal = Terminated: 15"], "not running", "Terminated: 15"],
    [["state = not running", "last exit reason = OS_REASON_CODESIGNING"], "not running", "OS_REASON_CODESIGNING"],
    [["state = not running"], "not running", null],
  ] as const)("%j", (lines, state, lastEnd) => {
    expect(launchdEvidence(text(lines), false)).toEqual({ state, lastEnd, disabled: false });
  });
  it("of one that it does not know is that, and whether its label is disabled", async () => {
    expect(launchdEvidence(undefined, true)).toEqual({ state: "not loaded", lastEnd: null, disabled: true });
    hands.exec.mockImplementation((argv: readonly string[]) =>
      Promise.resolve(
        argv[1] === "print"
          ? ended(113, "", 'Bad request.\nCould not find service "x.y" in domain for system\n')
          : ended(0, '\tdisabled services = {\n\t\t"x.y" => disabled\n\t}\n'),
      ),
    );
    expect((await darwinServices.inspect("x.y")).evidence).toMatchObject({
      ...{ active: "inactive", sub: "not loaded", enabled: false },
      launchd: { state: "not loaded", lastEnd: null, disabled: true },
    });
  });
});

describe("a job that launchd does not start", () => {
  it("for its label is disabled: enable it before anything else", () => {
    const found = mac(job("inactive", "not loaded", { state: "not loaded", disabled: true }));
    expect(found).toMatchObject({ verdict: "config or disk", code: "unit-disabled", confidence: "high" });
    expect(found.evidence.join()).toMatch(/119/);
    expect(found.nextStep).toMatch(/launchctl enable system\/UNIT`, then `sudo launchctl bootstrap/);
  });
  it("for something is missing: 78 without a line of the log", () => {
    const found = mac(job("activating", "auto-restart", { state: "spawn scheduled", lastEnd: "78: EX_CONFIG" }));
    expect(found).toMatchObject({ verdict: "config or disk", code: "exit-config", confidence: "high" });
    expect(found.evidence.join()).toMatch(/last exit 78: EX_CONFIG.*no line of the log/);
    expect(found.firstCommand).toBe("sudo launchctl print system/UNIT");
    expect(found.nextStep).toMatch(/working directory/);
  });
  it("or for its start says why: 78 with a line of the log", () => {
    const line = "gatehouse: the environment file /x.env cannot be read";
    const found = mac(job("failed", "exit 78: EX_CONFIG", { lastEnd: "78: EX_CONFIG" }, [line]));
    expect(found).toMatchObject({ code: "exit-config", confidence: "medium" });
    expect(found.evidence).toContain(`log: ${line}`);
    const unread = mac(job("failed", "exit 78: EX_CONFIG", { lastEnd: "78: EX_CONFIG" }), (e) => (e.node.gateway.log = null)); // prettier-ignore
    expect(unread).toMatchObject({ code: "exit-config", missing: expect.arrayContaining(["the unit's log"]) as string[] }); // prettier-ignore
  });
  it("for it fails again and again: the next start is held back", () => {
    const found = mac(job("activating", "auto-restart", { state: "spawn scheduled", lastEnd: "1" }, ["x failed"]));
    expect(found).toMatchObject({ verdict: "gateway session", code: "unit-failing" });
    expect(found.evidence.join()).toMatch(/launchd: spawn scheduled, last exit 1.*holds the next start back.*log: x failed/); // prettier-ignore
  });
  it("for somebody took it out", () => {
    const found = mac(job("inactive", "not loaded", { state: "not loaded" }));
    expect(found).toMatchObject({ code: "unit-stopped" });
    expect(codes(found)).not.toContain("unit-disabled");
  });
  it("and a configuration that is not valid comes before the status that it causes", () => {
    const config = { by: "openclaw config validate", status: 1, seconds: 1, valid: false, issues: ["x"] } as const;
    const found = mac(job("failed", "exit 78: EX_CONFIG", { lastEnd: "78: EX_CONFIG" }), (e) => (e.node.gateway.config = { ...config, issues: ["x"] })); // prettier-ignore
    expect(codes(found).slice(0, 2)).toEqual(["config-invalid", "exit-config"]);
  });
  it("another manager says nothing of all this", () => {
    const found = on("linux", job("failed", "failed", undefined));
    expect(codes(found)).toEqual(["unit-failing"]);
    expect(found.evidence.join()).not.toContain("launchd");
  });
  it("a job that runs is not judged by how it ended before", () => {
    const ran: Plant = (e) => Object.assign(e.node.gateway.unit?.launchd ?? {}, { lastEnd: "78: EX_CONFIG" });
    expect(mac(ran)).toMatchObject({ verdict: "healthy", also: [] });
  });
});

describe("a gateway that starts at a login", () => {
  const atLogin: Plant = (e) => Object.assign(e.expected, { startsAt: "login" });
  const stopped = (session: boolean): Plant => job("inactive", "not loaded", { state: "not loaded", session });

  it("does not run while nobody is logged in at the screen: that comes first", () => {
    const found = mac(atLogin, stopped(false));
    expect(found).toMatchObject({ verdict: "host", code: "no-session", confidence: "high" });
    expect(found.firstCommand).toBe("sudo launchctl print gui/$(id -u USER)/UNIT");
    expect(found.nextStep).toMatch(/log in at the screen as USER.*FileVault excludes.*startsAt: boot/);
    expect(codes(found)).toContain("unit-stopped");
  });
  it("is judged like any other while somebody is", () => {
    const found = mac(atLogin, stopped(true));
    expect(codes(found)).toEqual(["unit-stopped"]);
    expect(found.nextStep).toContain("launchctl bootstrap gui/$(id -u USER) ~USER/Library/LaunchAgents/UNIT.plist");
    expect(mac(atLogin, (e) => Object.assign(e.node.gateway.unit?.launchd ?? {}, { session: true }))).toMatchObject({ verdict: "healthy" }); // prettier-ignore
  });
  it("has no command of the system domain, and the other form none of a session", () => {
    expect(JSON.stringify(serviceCommands("darwin", "login"))).not.toMatch(/system\/UNIT|\bsystem \/|LaunchDaemons/);
    expect(JSON.stringify(serviceCommands("darwin"))).not.toMatch(/gui\/|LaunchAgents/);
  });
});

const refused =
  (...paths: readonly string[]): Plant =>
  (e) =>
    e.node.gateway.log?.refusedPaths.push(...paths);
const homeAt =
  (home: string, problems: readonly string[] = []): Plant =>
  ({ node }) => {
    for (const file of node.gateway.files) file.path = file.path.replace("/home/oc-demo", home);
    node.gateway.files[0]?.problems.push(...problems);
  };
const VOLUME = "/Volumes/Data/oc-demo";

describe("paths that take somebody's consent", () => {
  it.each([
    ["refused in the log", "high", [homeAt(VOLUME), refused(`${VOLUME}/.openclaw/x.db`)]],
    ["refused to the look", "high", [homeAt("/Users/oc-demo/Documents", ["EPERM"])]],
    ["where launchd ends with 78", "medium", [homeAt(VOLUME), job("failed", "exit 78: EX_CONFIG", { lastEnd: "78: EX_CONFIG" })]],
  ] as const)("of the gateway's own, %s, are the cause", (_name, confidence, plants) => {
    const found = mac(...plants);
    expect(found).toMatchObject({ verdict: "config or disk", code: "guarded-path", confidence });
    expect(found.evidence.join()).toMatch(/own files are in such a place.*whatever owner and mode say/);
    expect(found.nextStep).toMatch(/`home` in the spec.*LaunchDaemon cannot ask/);
  }); // prettier-ignore

  it("that an agent wanted come after what is wrong with the gateway", () => {
    const wanted = refused("/Users/jo/Desktop/plan.txt");
    expect(mac(wanted)).toMatchObject({ code: "guarded-path", confidence: "medium" });
    const both = mac(wanted, (e) => (e.node.gateway.session.token = "refused"));
    expect(codes(both)).toEqual(["token-refused", "guarded-path"]);
  });

  it.each([
    ["another disk that serves", "darwin", [homeAt(VOLUME)]],
    ["a refusal elsewhere", "darwin", [refused("/var/db/x", "/Users/oc-demo/.openclaw/x")]],
    ["a log that could not be read, and no sign", "darwin", [homeAt("/Users/oc-demo")]],
    ["a system that asks nobody", "linux", [homeAt(VOLUME), refused(`${VOLUME}/x`, "/Users/jo/Desktop/x")]],
  ] as const)("no false alarm: %s", (_name, platform, plants) => {
    expect(codes(on(platform, ...plants))).toEqual(["healthy"]);
  });
});

const unreachable =
  (...hosts: readonly (readonly [address: string, ownNetwork: boolean])[]): Plant =>
  (e) =>
    e.node.gateway.log?.unreachable.push(...hosts.map(([address, ownNetwork]) => ({ address, ownNetwork, count: 3 })));

const once: Plant = (e) =>
  e.node.gateway.log?.unreachable.push({ address: "192.168.1.20:8123", ownNetwork: true, count: 1 });

describe("hosts of the node's own network out of reach", () => {
  it("once are told to whoever asks about one, and to nobody else", () => {
    expect(codes(mac(once))).toEqual(["healthy"]);
    const asked: Plant = (e) => (e.frozen = { ...e.frozen, symptom: "connect EHOSTUNREACH 192.168.1.20:8123" });
    expect(mac(once, asked)).toMatchObject({ code: "local-network" });
  });
  it("may be kept from the gateway: the same try over SSH tells", () => {
    const found = mac(unreachable(["192.168.1.20:8123", true]));
    expect(found).toMatchObject({ verdict: "host", code: "local-network", confidence: "low" });
    expect(found.firstCommand).toBe("nc -z -G 3 192.168.1.20 8123");
    expect(found.nextStep).toMatch(
      /LaunchDaemon is allowed by Apple's wording \(TN3179\), a LaunchAgent or an app is not/,
    );
    expect(mac(unreachable(["fd00::20:8123", true])).firstCommand).toBe("nc -z -G 3 fd00::20 8123");
  });
  it.each([
    ["with others out of reach as well, the network is down", "darwin", [unreachable(["192.168.1.20:80", true], ["203.0.113.7:443", false])]],
    ["a system that keeps nothing", "linux", [unreachable(["192.168.1.20:80", true])]],
  ] as const)("no false alarm: %s", (_name, platform, plants) => {
    expect(codes(on(platform, ...plants))).toEqual(["healthy"]);
  }); // prettier-ignore
  it("a gateway that does not answer has another trouble, and an unread log is missing", () => {
    const plant = unreachable(["192.168.1.20:80", true]);
    expect(codes(mac(plant, (e) => (e.node.gateway.session.healthz = "no answer")))).not.toContain("local-network");
    expect(mac((e) => (e.node.gateway.log = null))).toMatchObject({
      verdict: "undecided",
      missing: ["the unit's log"],
    });
  });
});

describe("the log", () => {
  const own = (cidr: string | null, internal = false) => ({ cidr, internal, family: cidr?.includes("::") === true ? "IPv6" : "IPv4" }) as NetworkInterfaceInfo; // prettier-ignore
  const networks = ownNetworks({
    en0: [own("192.168.1.5/24"), own("fe80::1/64"), own(null)],
    lo0: [own("127.0.0.1/8", true)],
    utun0: undefined,
  });

  it("names hosts out of reach, whether they are of an own network, and how often", () => {
    const lines = [
      "Error: connect EHOSTUNREACH 192.168.1.20:8123 - Local (192.168.1.5:51234)",
      "cause: Error: connect EHOSTUNREACH 192.168.1.20:8123 - Local (192.168.1.5:51235)",
      "connect EHOSTUNREACH 203.0.113.7:443",
      "connect EHOSTUNREACH fe80::2%en0:80 - Local (fe80::1:1)",
      "connect EHOSTUNREACH 127.0.0.1:80",
      "connect EHOSTUNREACH somewhere:80, connect ECONNREFUSED 192.168.1.21:80",
    ];
    expect(unreachableHosts(lines, networks)).toEqual([
      { address: "192.168.1.20:8123", ownNetwork: true, count: 2 },
      { address: "203.0.113.7:443", ownNetwork: false, count: 1 },
      { address: "fe80::2:80", ownNetwork: true, count: 1 },
      { address: "127.0.0.1:80", ownNetwork: false, count: 1 },
    ]);
    expect(unreachableHosts([], networks)).toEqual([]);
  });

  it("names paths that were refused, each once, and no other failure of a file", () => {
    const lines = [
      "Error: EPERM: operation not permitted, open '/Users/jo/Desktop/a b.txt'",
      "Error: EPERM: operation not permitted, open '/Users/jo/Desktop/a b.txt'",
      "EPERM: operation not permitted, rename '/Volumes/x/a' -> '/Volumes/x/b'",
      "Error: EPERM: operation not permitted, uv_cwd",
      "EACCES: permission denied, open '/root/x'",
    ];
    expect(refusedPaths(lines)).toEqual(["/Users/jo/Desktop/a b.txt", "/Volumes/x/a", "/Volumes/x/b"]);
    expect(refusedPaths([])).toEqual([]);
  });

  it("of an earlier process counts only where none runs, and a secret in a path is hidden", () => {
    const secret = "canaryOfTheWrongToken0123456789ABCDEFGHIJKLMNOPabcd";
    const line = `EPERM: operation not permitted, open '/Volumes/x/${secret}'`;
    const of = (running: boolean, sinceStart: readonly string[]) =>
      logEvidence([line], { sinceStart, running, profiles: [] }, scrubber([secret])).refusedPaths;
    expect(of(true, [])).toEqual([]);
    expect(of(true, [line])).toHaveLength(1);
    expect(of(false, [])).toHaveLength(1);
    expect(of(false, []).join()).not.toContain(secret);
  });
});
