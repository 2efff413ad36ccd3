import { describe, expect, it } from "vitest";
import { originOf } from "../../operations/diagnose/origin.ts";
import { serviceCommands, type NodePlatform } from "../../operations/diagnose/service-commands.ts";
import { decisionTable } from "../../operations/diagnose/table.ts";
import { verdictOf } from "../../operations/diagnose/verdict.ts";
import type { Unreachable } from "../../operations/visit/connect.ts";
import { healthy, type Healthy } from "./diagnose-fixture.ts";

type Plant = (evidence: Healthy) => void;

function planted(platform: NodePlatform, plant: Plant) {
  const evidence = healthy();
  evidence.node.platform = platform;
  evidence.expected.platform = platform;
  plant(evidence);
  return verdictOf(evidence);
}

const unit = ({ node }: Healthy) => node.gateway.unit ?? {};
const token = ({ node }: Healthy) => {
  const [found] = node.gateway.variables;
  if (found === undefined) throw new Error("no token");
  return found;
};

/** Fault, its code, and what is typed first and done next on each platform. */
const HINTS: readonly (readonly [
  fault: string,
  code: string,
  plant: Plant,
  linux: readonly [first: string, next: RegExp],
  darwin: readonly [first: string, next: RegExp],
])[] = [
  [
    "another machine",
    "another-machine",
    (e) => (e.node.machineId = "0000000000000000"),
    ["cat /etc/machine-id", /docs\/how-to/],
    ["ioreg -rd1 -c IOPlatformExpertDevice", /docs\/how-to/],
  ],
  [
    "no user",
    "user-missing",
    (e) => (e.node.uid = null),
    ["getent passwd USER", /account phase/],
    ["dscl . -read /Users/USER", /account phase/],
  ],
  [
    "a full disk",
    "disk-full",
    (e) => (e.node.freeBytes = 0),
    ["df -h ~USER", /^make room, then restart the unit; change/],
    ["df -h ~USER", /^make room, then restart it: `sudo launchctl kickstart -k system\/UNIT`; change/],
  ],
  [
    "the port taken",
    "port-taken",
    (e) => (e.node.listener = "uid 0"),
    ["ss -ltnp", /restart the unit$/],
    ["sudo lsof -nP -iTCP:PORT -sTCP:LISTEN", /kickstart -k/],
  ],
  [
    "a stopped unit",
    "unit-stopped",
    (e) => ((e.node.listener = "nobody"), Object.assign(unit(e), { active: "inactive", sub: "dead" })),
    ["openclaw gateway status", /systemctl --user start UNIT/],
    [
      "sudo launchctl print system/UNIT",
      /launchctl enable system\/UNIT.*bootstrap system \/Library\/LaunchDaemons\/UNIT\.plist/,
    ],
  ],
  [
    "a unit that fails",
    "unit-failing",
    (e) => ((e.node.listener = "nobody"), Object.assign(unit(e), { active: "failed", sub: "failed" })),
    ["openclaw gateway status", /journalctl --user --unit UNIT/],
    ["sudo launchctl print system/UNIT", /tail -n 100 \/var\/log\/gatehouse\/GATEWAY\.log/],
  ],
  [
    "a gateway beside the unit",
    "stray-gateway",
    (e) => Object.assign(unit(e), { active: "inactive", sub: "dead" }),
    ["ss -ltnp", /^end that process, then start the unit$/],
    [
      "sudo lsof -nP -iTCP:PORT -sTCP:LISTEN",
      /^end that process, then start it: `sudo launchctl kickstart system\/UNIT`$/,
    ],
  ],
  [
    "a gateway that does not answer",
    "not-serving",
    (e) => (e.node.gateway.session.healthz = "no answer"),
    ["openclaw gateway status", /journalctl/],
    ["openclaw gateway status", /GATEWAY\.log/],
  ],
  [
    "a disabled unit",
    "unit-disabled",
    (e) => Object.assign(unit(e), { enabled: false }),
    ["systemctl --user is-enabled UNIT", /systemctl --user enable UNIT/],
    ["launchctl print-disabled system; ls -l /Library/LaunchDaemons/UNIT.plist", /sudo launchctl enable system\/UNIT/],
  ],
  [
    "a definition that was not read",
    "needs-reload",
    (e) => Object.assign(unit(e), { needsReload: true }),
    ["systemctl --user cat UNIT", /apply the gateway again/],
    ["plutil -p /Library/LaunchDaemons/UNIT.plist; sudo launchctl print system/UNIT", /apply the gateway again/],
  ],
  [
    "a loose file",
    "files",
    (e) => e.node.gateway.files[0]?.problems.push("has mode 644, not 600"),
    ["stat on the paths above", /restart the unit$/],
    ["sudo ls -leOd on the paths above", /chmod -N PATH.*kickstart -k/],
  ],
  [
    "a process older than its variables",
    "token-stale-process",
    (e) => (token(e).sources.process = "different"),
    ["openclaw gateway status", /systemctl --user restart UNIT/],
    ["openclaw gateway status", /kickstart -k system\/UNIT`, which reads variables.*no changed definition/],
  ],
  [
    "a token of the definition",
    "token-shadowed",
    (e) => Object.assign(token(e).sources, { process: "different", unit: "different" }),
    ["openclaw gateway status", /environment\.d/],
    ["openclaw gateway status", /UNIT\.plist, then load it anew: .*bootout.*wait.*bootstrap/],
  ],
  [
    "a refused token",
    "token-refused",
    (e) => (e.node.gateway.session.token = "refused"),
    ["openclaw gateway status", /restart the unit$/],
    ["openclaw gateway status", /kickstart -k/],
  ],
  [
    "a key of no agent in the definition",
    "ambient-key",
    (e) => e.node.gateway.ambient.push({ variable: "ANTHROPIC_API_KEY", where: "unit" }),
    ["openclaw models status --check --agent AGENT", /restart the unit; each agent/],
    ["openclaw models status --check --agent AGENT", /bootout.*bootstrap.*; each agent/],
  ],
  [
    "a refusal in the log",
    "key-refused",
    (e) => e.node.gateway.log?.refusals.push({ profile: "anthropic:research", reason: "auth", count: 2 }),
    ["openclaw models status --check --agent AGENT", /mended, restart the unit and ask/],
    ["openclaw models status --check --agent AGENT", /mended, restart it: .*kickstart -k system\/UNIT` and ask/],
  ],
  [
    "another Node that serves",
    "another-node",
    (e) => Object.assign(e.node.gateway.identities?.[1] ?? {}, { pinned: false }),
    ["which -a openclaw node; systemctl --user show UNIT --property=Environment", /pinned runtime/],
    ["which -a openclaw node; sudo launchctl print system/UNIT", /pinned runtime/],
  ],
  [
    "a skewed clock",
    "clock-skew",
    (e) => (e.clockAhead = -300),
    ["timedatectl", /time server/],
    ["sudo systemsetup -getusingnetworktime; sntp time.apple.com", /time server/],
  ],
];

describe.each(HINTS)("%s [%s]", (_fault, code, plant, linux, darwin) => {
  it.each([
    ["linux", linux],
    ["darwin", darwin],
  ] as const)("on %s", (platform, [first, next]) => {
    const found = planted(platform, plant);
    expect(found).toMatchObject({ code, firstCommand: first });
    expect(found.nextStep).toMatch(next);
  });
});

const OF_LINUX = /systemctl|journalctl|loginctl|timedatectl|getent|\bss -|machine-id|drop-in|environment\.d/;
const OF_MACOS = /launchctl|lsof|dscl|ioreg|systemsetup|chmod -N|LaunchDaemons/;

it("no platform's commands name a program of the other", () => {
  expect(JSON.stringify(serviceCommands("darwin"))).not.toMatch(OF_LINUX);
  expect(JSON.stringify(serviceCommands("linux"))).not.toMatch(OF_MACOS);
  expect(JSON.stringify(decisionTable(serviceCommands("darwin")))).not.toMatch(OF_LINUX);
});

it("a definition is never taken for read by `kickstart`", () => {
  const { reload, unshadow, otherValue } = serviceCommands("darwin");
  for (const step of [reload, unshadow, otherValue]) {
    expect(step).not.toContain("kickstart");
    expect(step).toMatch(/bootout.*bootstrap/);
  }
});

it("a node that does not say what it is gets no commands", () => {
  const unknown = (platform: string) => () => planted(platform as NodePlatform, () => undefined);
  for (const platform of ["plan9", "toString", undefined as unknown as string])
    expect(unknown(platform)).toThrow(expect.objectContaining({ code: "platform", fix: expect.stringContaining("gatehouse up") as string })); // prettier-ignore
});

describe("the vendor looks for another kind of unit than a Mac's", () => {
  const blind: Plant = (e) =>
    Object.assign(e.node.gateway.gatewayStatus ?? {}, { seesService: false, loaded: false, auditIssues: ["not-installed"] }); // prettier-ignore
  it("what it says of it is neither a fault nor missing", () => {
    expect(planted("darwin", blind)).toMatchObject({ verdict: "healthy", missing: [], also: [] });
  });
  it("its answer about the session is missing all the same", () => {
    const silent = planted("darwin", (e) => {
      blind(e);
      Object.assign(e.node.gateway.gatewayStatus ?? {}, { rpcOk: null });
    });
    expect(silent).toMatchObject({ verdict: "undecided" });
    expect(planted("darwin", (e) => (e.node.gateway.gatewayStatus = null))).toMatchObject({ verdict: "undecided" });
  });
});

it("a Mac that gives no connection may wait for its disk to be unlocked; another machine does not", () => {
  const unreachable = (platform: NodePlatform, kind: Unreachable["kind"]) => {
    const { expected, ...evidence } = healthy();
    return verdictOf({ ...evidence, expected: { ...expected, platform }, node: { kind, message: "m", fix: "f" } });
  };
  expect(unreachable("darwin", "no connection").evidence.join()).toMatch(/FileVault.*password alone.*no key/);
  expect(unreachable("darwin", "no answer").evidence.join()).not.toContain("FileVault");
  expect(unreachable("linux", "no connection").evidence).toEqual(["node box-1: m"]);
});

it("facts about an unattended boot are told and decide nothing", () => {
  for (const boot of [{ fileVault: true, networkTime: false, updatesRestart: true }, { fileVault: null }, {}])
    expect(planted("darwin", (e) => (e.node.boot = boot))).toMatchObject({ verdict: "healthy", missing: [], also: [] });
});

it("a variable's origin is called as on its platform", () => {
  const { node } = healthy();
  const [one] = node.gateway.variables;
  if (one === undefined) throw new Error("no variable");
  const sources = { ...one.sources, environmentFile: "missing", unit: "set" } as const;
  const origin = (platform: NodePlatform) => originOf({ ...one, sources }, serviceCommands(platform)).winner;
  expect(origin("linux")).toBe("Environment= of the unit");
  expect(origin("darwin")).toBe("EnvironmentVariables of the definition");
});
