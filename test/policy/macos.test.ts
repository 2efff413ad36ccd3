import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import type { Rule } from "../../policies/src/rule.ts";
import { gh202 } from "../../policies/src/rules/gh202-gateway-user.ts";
import { gh205 } from "../../policies/src/rules/gh205-keys-in-the-unit.ts";
import { gh206 } from "../../policies/src/rules/gh206-unit-hardening.ts";
import { gh304 } from "../../policies/src/rules/gh304-one-runtime-on-path.ts";
import { gh601 } from "../../policies/src/rules/gh601-starts-by-itself.ts";
import { OperatorFiles } from "../component/fleet.ts";
import { FAULTS as PLANTED } from "./faults.ts";
import { goodFleet, previewed, Stack, type Seen } from "./stack.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

type Platform = "linux" | "macos";
const seen: Partial<Record<Platform, Seen[]>> = {};
beforeAll(async () => {
  const fleet = goodFleet(files.sshKey);
  for (const platform of ["linux", "macos"] as const)
    seen[platform] = await previewed({ ...fleet, nodes: fleet.nodes.map((node) => ({ ...node, platform })) });
}, 120_000);
const stackOf = (platform: Platform): Stack => new Stack(structuredClone(seen[platform] ?? []));

const GATEWAY = ["Gateway", "team-a"] as const;
type Plant = (stack: Stack) => void;
const unit =
  (change: (text: string) => string): Plant =>
  (stack) => {
    stack.edit(...GATEWAY, ["unitText"], change);
  };
const job =
  (key: string, value: unknown): Plant =>
  (stack) => {
    stack.set(...GATEWAY, ["launchdJob", key], value);
  };
/** The job's words, or one of its variables, after a change. */
const words =
  (change: (all: readonly string[]) => readonly string[]): Plant =>
  (stack) => {
    const { ProgramArguments } = stack.get(...GATEWAY).props["launchdJob"] as { ProgramArguments: readonly string[] };
    stack.set(...GATEWAY, ["launchdJob", "ProgramArguments"], change(ProgramArguments));
  };
const variable =
  (name: string, value: string): Plant =>
  (stack) => {
    stack.set(...GATEWAY, ["launchdJob", "EnvironmentVariables", name], value);
  };

/** One fault as it is on each platform, and what the rule says of both. */
const FAULTS: readonly (readonly [fault: string, rule: Rule, linux: Plant, macos: Plant, says: RegExp])[] = [
  ["a key in clear", gh205, unit((text) => text.replace("[Service]", "[Service]\nEnvironment=ANTHROPIC_API_KEY=x")), variable("ANTHROPIC_API_KEY", "x"), /team-a: its unit has ANTHROPIC_API_KEY in clear/],
  ["no file with the secrets", gh205, unit((text) => text.replace(/^EnvironmentFile=.*$/m, "")), words((all) => all.slice(3)), /team-a: its unit has no EnvironmentFile/],
  ["files that everybody may read", gh206, unit((text) => text.replace("UMask=0077", "UMask=0022")), job("Umask", 18), /team-a: its unit weakens UMask=0077/],
  ["no umask", gh206, unit((text) => text.replace("UMask=0077", "")), job("Umask", undefined), /team-a: its unit has no UMask/],
  ["core files", gh206, unit((text) => text.replace("LimitCORE=0", "LimitCORE=infinity")), job("HardResourceLimits", { Core: 1 }), /team-a: its unit weakens LimitCORE=0/],
  ["another Node on the PATH", gh304, unit((text) => text.replace(/PATH=[^:]*/, "PATH=/opt/homebrew/bin")), variable("PATH", "/opt/homebrew/bin:/usr/bin"), /team-a: its PATH does not begin with/],
  ["no PATH", gh304, unit((text) => text.replace(/^Environment=PATH=.*$/m, "")), variable("PATH", undefined as unknown as string), /team-a: its unit has no PATH/],
  ["two installations of OpenClaw", gh304, unit((text) => text.replace(/^(ExecStart=.*)$/m, "$1 /x/node_modules/openclaw/y")), words((all) => [...all, "/x/node_modules/openclaw/y"]), /team-a: its unit names 2 installations/],
  ["a unit that stays down", gh601, unit((text) => text.replace("Restart=always", "Restart=no")), job("KeepAlive", { SuccessfulExit: false }), /team-a: its unit does not restart always/],
  ["a unit that does not start at boot", gh601, unit((text) => text.replace("WantedBy=default.target", "")), job("RunAtLoad", false), /team-a: its unit is not wanted/],
  ["a service that waits for a login", gh601, (stack) => { stack.set(...GATEWAY, ["service", "starts"], "at login"); }, (stack) => { stack.set(...GATEWAY, ["service", "manager"], "launchd-agent"); }, /team-a: service\.\w+ is not/],
]; // prettier-ignore

describe("a gateway with `startsAt: login`", () => {
  let login: Seen[];
  beforeAll(async () => {
    const fleet = goodFleet(files.sshKey);
    const [first, ...nodes] = fleet.nodes;
    if (first === undefined) throw new Error("the good fleet has no node");
    const gateways = first.gateways.map((gateway) => gateway.name === "team-a" ? { ...gateway, access: [], startsAt: "login" as const } : gateway); // prettier-ignore
    login = await previewed({ ...fleet, nodes: [{ ...first, platform: "macos", gateways }, ...nodes] });
  }, 120_000);
  const stack = (): Stack => new Stack(structuredClone(login));
  const SAYS = /team-a: it is a LaunchAgent: after a boot nothing serves until its user has logged in at the screen/;

  it("is refused with the reason, and for its user's password; nothing else is wrong with it", () => {
    const [before, found] = [stackOf("macos"), stack()].map((one) => new Map(CATALOGUE.map((rule) => [rule.id, one.violations(rule).length]))); // prettier-ignore
    const more = CATALOGUE.filter(({ id }) => (found?.get(id) ?? 0) > (before?.get(id) ?? 0)).map(({ id }) => id);
    expect(more).toEqual(["GH202", "GH601"]);
    expect(stack().violations(gh601)).toEqual([expect.stringMatching(SAYS)]);
  });
  it("passes with an exception of both rules, until its day", () => {
    const exceptions = [{ resource: "team-a", owner: "jo@example.com", reason: "Messages; jo logs in after a power cut", expires: "2026-11-30" }]; // prettier-ignore
    for (const rule of [gh202, gh601]) {
      expect(stack().violations(rule, { exceptions }, new Date("2026-11-30T12:00:00Z"))).toEqual([]);
      expect(stack().violations(rule, { exceptions }, new Date("2026-12-01T12:00:00Z")).join()).toMatch(/expired/);
    }
  });
  it("is no gateway of which nobody knows when it starts", () => {
    for (const field of ["manager", "starts"]) {
      const one = stack();
      one.remove(...GATEWAY, ["service", field]);
      expect(one.violations(gh601).join("\n")).toMatch(new RegExp(`team-a: service\\.${field} is not declared`));
    }
  });
});

describe("the same fault on both platforms", () => {
  it.each(FAULTS)("%s", (_fault, rule, linux, macos, says) => {
    for (const [platform, plant] of [["linux", linux], ["macos", macos]] as const) {
      const stack = stackOf(platform);
      expect(stack.violations(rule), platform).toEqual([]);
      plant(stack);
      expect(stack.violations(rule).join("\n"), platform).toMatch(says);
    }
  }); // prettier-ignore
  it.each([gh205, gh206, gh304, gh601])("$id takes no definition for no good one", (rule) => {
    for (const [platform, field] of [["linux", "unitText"], ["macos", "launchdJob"]] as const) {
      const stack = stackOf(platform);
      stack.remove(...GATEWAY, [field]);
      expect(stack.violations(rule).join("\n"), platform).toMatch(/team-a: .*(?:unitText|launchdJob).* not declared/);
    }
  }); // prettier-ignore
});

/** The faults that are planted in a unit's text are above, in both of its forms. */
const IN_A_UNIT = ["GH205", "GH206", "GH304"];

describe("every rule of the catalogue speaks up at the same fault on both platforms, and no other rule", () => {
  it.each(CATALOGUE.filter(({ id }) => !IN_A_UNIT.includes(id)))("$id", ({ id }) => {
    const fault = PLANTED[id];
    const [linux, macos] = (["linux", "macos"] as const).map((platform) => {
      const stack = stackOf(platform);
      fault?.plant(stack);
      return CATALOGUE.filter((rule) => stack.violations(rule).length > 0).map((rule) => rule.id);
    });
    expect(linux).toContain(id);
    expect(macos).toEqual(linux);
  });
});
