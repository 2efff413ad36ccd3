import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { audit } from "../../node/audit/index.ts";
import { drift, repairNode } from "../../node/drift/index.ts";
import { nodePaths } from "../../node/lib/paths.ts";
import type { Context } from "../../node/phase.ts";
import { darwin } from "../../node/platform/darwin/platform.ts";
import { deferUpdates, resumeUpdates, updatesObjection, updatesRestart } from "../../node/platform/darwin/updates.ts";
import type { BootFacts, Platform } from "../../node/platform/index.ts";
import { linux } from "../../node/platform/linux/platform.ts";
import { observedComponents } from "../../operations/audit/components.ts";
import { bootNote } from "../../operations/diagnose/boot-note.ts";
import { ended } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn(), exists: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));
vi.mock(import("../../node/lib/exists.ts"), () => ({ exists: hands.exists }));

type Answer = ReturnType<typeof ended> | Error;
/** Answers by what the call is; the last rule that fits wins. */
function answers(rules: readonly (readonly [RegExp, Answer])[]): void {
  hands.exec.mockImplementation((argv: readonly string[]) => {
    const found = rules.findLast(([pattern]) => pattern.test(argv.join(" ")))?.[1] ?? ended(127);
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
  });
}

const NO_PROGRAM = new Error("ENOENT");
const UNSET = ended(
  1,
  "",
  "2026-11-27 10:00:00.000 defaults[1:2] \nThe domain/default pair of (x, y) does not exist\n",
);
const MANAGED = /Managed Preferences/;
const UPDATES = /read \/Library\/Preferences\/com\.apple\.SoftwareUpdate/;
const SCHEDULE = (word: string) => [/softwareupdate/, ended(0, `Automatic checking for updates is turned ${word}\n`)] as const; // prettier-ignore

const MAC = [
  [/fdesetup status/, ended(0, "FileVault is Off.\n")],
  [/autoLoginUser/, UNSET],
  [/getusingnetworktime/, ended(0, "Network Time: On\n")],
  [MANAGED, UNSET],
  [UPDATES, ended(0, "0\n")],
  SCHEDULE("on"),
] as const;

describe("a Mac's facts", () => {
  const ofMac = async (...rules: (readonly [RegExp, Answer])[]): Promise<BootFacts> => {
    answers([...MAC, ...rules]);
    return await darwin.bootFacts();
  };

  it("are those of a machine that comes back by itself", async () => {
    expect(await ofMac()).toEqual({
      fileVault: false,
      automaticLogin: false,
      networkTime: true,
      updatesRestart: false,
    });
  });

  const READINGS: readonly (readonly [keyof BootFacts, string, RegExp, Answer, boolean | null])[] = [
    ["fileVault", "on", /fdesetup/, ended(0, "FileVault is On.\n"), true],
    ["fileVault", "on, still encrypting", /fdesetup/, ended(0, "FileVault is On.\nEncryption in progress: Percent completed = 12\n"), true],
    ["fileVault", "off, and soon something else", /fdesetup/, ended(0, "FileVault is Off.\nDeferred enablement appears to be active for user 'jo'.\n"), null],
    ["fileVault", "off, until the next restart", /fdesetup/, ended(0, "FileVault is Off, but will be enabled after the next restart.\n"), null],
    ["fileVault", "no answer", /fdesetup/, ended(1, "FileVault is Off.\n"), null],
    ["fileVault", "no program", /fdesetup/, NO_PROGRAM, null],
    ["automaticLogin", "of somebody", /autoLoginUser/, ended(0, "jo\n"), true],
    ["automaticLogin", "of nobody", /autoLoginUser/, ended(0, "\n"), false],
    ["automaticLogin", "without a domain", /autoLoginUser/, ended(1, "", "Domain /Library/Preferences/com.apple.loginwindow does not exist\n"), false],
    ["automaticLogin", "unreadable", /autoLoginUser/, ended(1, "", "Could not read domain\n"), null],
    ["automaticLogin", "no program", /autoLoginUser/, NO_PROGRAM, null],
    ["networkTime", "off", /networktime/, ended(0, "Network Time: Off\n"), false],
    ["networkTime", "not as root", /networktime/, ended(0, "You need administrator access to run this tool... exiting!\n"), null],
    ["networkTime", "no program", /networktime/, NO_PROGRAM, null],
    ["updatesRestart", "on", UPDATES, ended(0, "1\n"), true],
    ["updatesRestart", "never set", UPDATES, UNSET, null],
    ["updatesRestart", "another word", UPDATES, ended(0, "maybe\n"), null],
    ["updatesRestart", "on by a profile", MANAGED, ended(0, "1\n"), true],
    ["updatesRestart", "no program", UPDATES, NO_PROGRAM, null],
  ]; // prettier-ignore
  it.each(READINGS)("%s, %s", async (name, _label, pattern, answer, value) => {
    const facts = await ofMac([pattern, answer]);
    expect(facts[name]).toBe(value);
    // one that fails leaves the others as they are
    expect(Object.keys(facts)).toHaveLength(4);
  });

  it("no check for updates, no restart for them; a check that does not say leaves it to the setting", async () => {
    expect(await ofMac([UPDATES, ended(0, "1\n")], SCHEDULE("off"))).toMatchObject({ updatesRestart: false });
    expect(await ofMac([UPDATES, ended(0, "1\n")], [/softwareupdate/, NO_PROGRAM])).toMatchObject({ updatesRestart: true }); // prettier-ignore
    expect(await ofMac([UPDATES, UNSET], [/softwareupdate/, ended(0, "?")])).toMatchObject({ updatesRestart: null });
  });
});

describe("a Linux machine's facts", () => {
  const time = (can: string, ntp: string, synchronized: string) => [/timedatectl/, ended(0, `CanNTP=${can}\nNTP=${ntp}\nNTPSynchronized=${synchronized}\n`)] as const; // prettier-ignore
  const apt = (periodic: string, reboot: string) => [/apt-config/, ended(0, `APT::Periodic::Unattended-Upgrade "${periodic}";\nUnattended-Upgrade::Automatic-Reboot "${reboot}";\n`)] as const; // prettier-ignore
  const HOST = [[/detect-virt/, ended(1, "none\n")], time("yes", "yes", "yes"), apt("1", "false")] as const;
  const ofLinux = async (...rules: (readonly [RegExp, Answer])[]): Promise<BootFacts> => {
    answers([...HOST, ...rules]);
    return await linux.bootFacts();
  };
  beforeEach(() => {
    hands.exists.mockResolvedValue(true);
  });

  it("are those of a machine that comes back by itself, and nothing that it does not have", async () => {
    expect(await ofLinux()).toEqual({ networkTime: true, updatesRestart: false });
  });

  const READINGS: readonly (readonly [keyof BootFacts, string, readonly [RegExp, Answer], boolean | null])[] = [
    ["networkTime", "not in step yet", time("yes", "yes", "no"), true],
    ["networkTime", "in step by something else", time("no", "no", "yes"), true],
    ["networkTime", "off", time("yes", "no", "no"), false],
    ["networkTime", "no service that timedated knows", time("no", "no", "no"), null],
    ["networkTime", "no bus", [/timedatectl/, ended(1, "", "Failed to connect to bus")], null],
    ["networkTime", "no program", [/timedatectl/, NO_PROGRAM], null],
    ["updatesRestart", "on", apt("1", "true"), true],
    ["updatesRestart", "on, and never run", apt("0", "true"), false],
    ["updatesRestart", "not set", [/apt-config/, ended(0, "")], false],
    ["updatesRestart", "no apt", [/apt-config/, NO_PROGRAM], null],
  ];
  it.each(READINGS)("%s, %s", async (name, _label, rule, value) => {
    expect((await ofLinux(rule))[name]).toBe(value);
  });

  it("leave out the clock of a container, which is its host's, and updates that nothing installs", async () => {
    expect(await ofLinux([/detect-virt/, ended(0, "systemd-nspawn\n")])).toEqual({ updatesRestart: false });
    hands.exists.mockResolvedValue(false);
    expect(await ofLinux(apt("1", "true"))).toMatchObject({ updatesRestart: false });
  });
});

/** Preferences of a Mac as `defaults` and `pmset` show them; a profile's are read only. */
function machine(own: string | undefined, managed?: string, keeps = true) {
  const state = { own, calls: [] as string[] };
  const shown = (value: string | undefined) => (value === undefined ? UNSET : ended(0, `${value}\n`));
  hands.exec.mockImplementation((argv: readonly string[]) => {
    const [program = "", verb, domain = "", , , value] = argv;
    state.calls.push(argv.join(" "));
    if (program.endsWith("pmset")) return Promise.resolve(ended(0, "AC Power:\n sleep 0\n"));
    if (program.endsWith("softwareupdate")) return Promise.resolve(SCHEDULE("on")[1]);
    if (!program.endsWith("defaults") || !domain.includes("SoftwareUpdate")) return Promise.resolve(ended(127));
    if (verb === "read") return Promise.resolve(shown(MANAGED.test(domain) ? managed : state.own));
    if (verb === "write" && keeps) state.own = value === "true" ? "1" : "0";
    if (verb === "delete" && keeps) state.own = undefined;
    return Promise.resolve(ended(0));
  });
  return state;
}

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-boot-"));
  mkdirSync(join(root, "var/lib"), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

describe("restarts for updates of macOS", () => {
  const record = () => nodePaths(root).updatesRecord;

  it.each([["1"], ["true"], [undefined]])("are put off, with %j noted and put back", async (before) => {
    const state = machine(before);
    expect(await updatesObjection()).toMatchObject({ about: "updates", detail: expect.stringMatching(/not false/) as string }); // prettier-ignore
    await deferUpdates(nodePaths(root));
    expect(state.own).toBe("0");
    expect(await updatesObjection()).toBeUndefined();
    expect(await updatesRestart()).toBe(false);
    expect(JSON.parse(readFileSync(record(), "utf8"))).toEqual({ before: before === undefined ? null : true });
    // somebody turns it on again: the record keeps what was before the first of our changes
    state.own = "1";
    await deferUpdates(nodePaths(root));
    expect(state.own).toBe("0");
    await resumeUpdates(nodePaths(root));
    expect(state.own).toBe(before === undefined ? undefined : "1");
    expect(existsSync(record())).toBe(false);
    state.calls.length = 0;
    await resumeUpdates(nodePaths(root));
    expect(state.calls).toEqual([]);
  });

  it("that are off stay as they were: nothing to note, nothing to put back", async () => {
    const state = machine("0");
    await deferUpdates(nodePaths(root));
    await resumeUpdates(nodePaths(root));
    expect(state.own).toBe("0");
    expect(existsSync(record())).toBe(false);
    expect(state.calls.join("\n")).not.toMatch(/write|delete/);
  });

  it.each([["1"], ["0"]])("of a profile (%s) are not touched and no objection", async (managed) => {
    const state = machine("1", managed);
    expect(await updatesObjection()).toBeUndefined();
    await deferUpdates(nodePaths(root));
    expect(state.own).toBe("1");
    expect(await updatesRestart()).toBe(managed === "1");
  });

  it("that macOS does not keep are a failure, and so is a setting that cannot be read", async () => {
    machine("1", undefined, false);
    await expect(deferUpdates(nodePaths(root))).rejects.toMatchObject({ code: "update-settings" });
    expect(JSON.parse(readFileSync(record(), "utf8"))).toEqual({ before: true });
    machine("0", undefined, false);
    await expect(resumeUpdates(nodePaths(root))).rejects.toMatchObject({ code: "update-settings" });
    expect(existsSync(record())).toBe(true);
    rmSync(record());
    answers([[MANAGED, UNSET], [UPDATES, ended(1, "", "?")]]); // prettier-ignore
    expect((await updatesObjection())?.detail).toMatch(/unknown/);
    await expect(deferUpdates(nodePaths(root))).rejects.toThrow(/cannot be read/);
    expect(existsSync(record())).toBe(false);
  });

  it("are part of what keeps a Mac on, and so of its drift and repair", async () => {
    const state = machine("1");
    const context = contextOf({ alwaysOn: darwin.alwaysOn });
    const payload = { machineId: "m", alwaysOn: true, gateways: [] };
    expect((await drift(payload, context)).deviations).toEqual([
      expect.objectContaining({ kind: "sleep", mending: "repair", what: expect.stringContaining("SoftwareUpdate") as string }),
    ]); // prettier-ignore
    expect((await drift({ ...payload, alwaysOn: false }, context)).deviations).toEqual([]);
    expect((await repairNode(payload, context)).after.deviations).toEqual([]);
    expect(state.own).toBe("0");
    await darwin.alwaysOn.release(context.paths);
    expect(state.own).toBe("1");
  });
});

function contextOf(platform: Partial<Platform>): Context {
  const own = { machineId: () => Promise.resolve("m"), bootFacts: () => Promise.resolve({}), ...platform };
  return { platform: own, paths: nodePaths(root), progress: () => undefined } as unknown as Context;
}

describe("the audit", () => {
  it("has the facts, and takes an update for no sleep", async () => {
    machine("1");
    const facts = { fileVault: true, networkTime: null };
    const context = contextOf({ alwaysOn: darwin.alwaysOn, bootFacts: () => Promise.resolve(facts) });
    const seen = await audit({ machineId: "m", gateways: [] }, context);
    expect(seen).toMatchObject({ sleepPrevented: true, boot: facts });
    const node = { urn: "urn:n", type: "gatehouse:index:GatewayNode", name: "box-1", inputs: { platform: "macos" } };
    const [component] = observedComponents([node], new Map([["box-1", seen]]));
    expect(component?.props).toMatchObject({ sleep: "prevented", boot: facts });
  });
});

it("a diagnosis tells each fact, what a bad one means, and what is not known", () => {
  expect(bootNote({ fileVault: false, automaticLogin: false, networkTime: true, updatesRestart: false })).toBe(
    "FileVault off, automatic login off, network time on, restarts for updates off",
  );
  expect(bootNote({ fileVault: true, networkTime: false })).toMatch(
    /^FileVault on \(after a power cut nothing starts .*\), network time off \(the clock follows no time server\)$/,
  );
  expect(bootNote({ fileVault: null })).toBe("FileVault could not be found out");
  expect(bootNote({})).toBe("nothing is known");
});
