import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { personalObjection, userObjections } from "../../node/account/objections.ts";
import { parseEnvironmentFile, renderExports } from "../../node/environment-file.ts";
import { nodePaths } from "../../node/lib/paths.ts";
import { darwin } from "../../node/platform/darwin/platform.ts";
import { WRAPPER } from "../../node/platform/darwin/environment.ts";
import { parseCustom, powerObjection, preventSleep, allowSleep } from "../../node/platform/darwin/power.ts";
import { parseEnvironment, parseListeners, processEnvironment } from "../../node/platform/darwin/processes.ts";
import { linesSince, recentLines } from "../../node/platform/darwin/recent-log.ts";
import { checkRuntime, isSupported } from "../../node/platform/darwin/trust.ts";
import { darwinUsers, parseRecord } from "../../node/platform/darwin/users.ts";
import { EXIT } from "../../node/protocol.ts";
import { ended } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));

type Answer = ReturnType<typeof ended>;
/** Answers by what the call is; the last rule that fits wins. */
function answers(rules: readonly (readonly [RegExp, Answer | (() => Answer)])[]): string[] {
  const calls: string[] = [];
  hands.exec.mockImplementation((argv: readonly string[]) => {
    const call = argv.join(" ");
    calls.push(call);
    const found = rules.findLast(([pattern]) => pattern.test(call))?.[1];
    return Promise.resolve(typeof found === "function" ? found() : (found ?? ended(0)));
  });
  return calls;
}

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-darwin-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

describe("the environment file for launchd", () => {
  const awkward = new Map([
    ["OPENCLAW_GATEWAY_TOKEN", 'it\'s "a" $HOME `id` \\ end'],
    ["OPENCLAW_AGENT_A_ANTHROPIC_KEY", "line one\nline 'two'"],
  ]);
  const wrapped = (content: string | undefined) => {
    const [wrapper, file] = [join(root, "wrapper.sh"), join(root, "gateway.env")];
    writeFileSync(wrapper, WRAPPER, { mode: 0o700 });
    if (content !== undefined) writeFileSync(file, content, { mode: 0o600 });
    const print = 'printf "%s|%s" "$OPENCLAW_GATEWAY_TOKEN" "$OPENCLAW_AGENT_A_ANTHROPIC_KEY"';
    return ["dash", "bash --posix"].map((shell) => {
      const [program = "", ...options] = shell.split(" ");
      return spawnSync(program, [...options, wrapper, file, "/bin/sh", "-c", print], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } }); // prettier-ignore
    });
  };

  it("reads back byte for byte, by this program and by the wrapper in each shell", () => {
    const text = renderExports(awkward);
    expect([...parseEnvironmentFile(text)]).toEqual([...awkward]);
    for (const { status, stdout } of wrapped(text)) {
      expect(status).toBe(0);
      expect(stdout).toBe([...awkward.values()].join("|"));
    }
  });
  it.each([
    ["that is missing", undefined],
    ["of somebody else's", "export OPENCLAW_GATEWAY_TOKEN='sk-canary-0123456789'\n"],
    ["that is empty", ""],
  ])("starts nothing with a file %s: 78, and no word of it is printed", (_name, content) => {
    for (const { status, stdout, stderr } of wrapped(content)) {
      expect(status).toBe(78);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^gatehouse: .*gateway\.env/);
      expect(stderr).not.toContain("canary");
    }
  });
  it("that was edited is not guessed at", () => {
    const text = `${renderExports(awkward)}export OTHER="x"\n`;
    expect(() => parseEnvironmentFile(text)).toThrow(expect.objectContaining({ code: "damaged-state" }));
  });
  it("is refused the values that no environment can carry", () => {
    expect(() => renderExports(new Map([["A", ""]]))).toThrow(expect.objectContaining({ code: "secret-value" }));
    expect(() => renderExports(new Map([["a b", "x"]]))).toThrow(expect.objectContaining({ code: "secret-value" }));
  });
  it("has a wrapper that shellcheck accepts", () => {
    const file = join(root, "wrapper.sh");
    writeFileSync(file, WRAPPER);
    const found = spawnSync("shellcheck", ["-s", "sh", "-e", "SC1090", file], { encoding: "utf8" });
    if (found.error !== undefined) {
      process.stderr.write("skipped: shellcheck is not installed\n");
      return;
    }
    expect(found.stdout).toBe("");
  });
});

describe("users", () => {
  const user = "UniqueID: 499\nPrimaryGroupID: 499\nNFSHomeDirectory: /Users/oc\nUserShell: /usr/bin/false\n";
  const missing = ended(56, "", "<dscl_cmd> DS Error: -14136 (eDSRecordNotFound)\n");

  it("are read with values on one line and on the next", () => {
    expect([...parseRecord("UniqueID: 499\nRealName:\n OpenClaw gateway team-a\ndsAttrTypeNative:x: y\n")]).toEqual([
      ["UniqueID", "499"],
      ["RealName", "OpenClaw gateway team-a"],
      ["dsAttrTypeNative:x", "y"],
    ]);
  });
  it("that do not exist are not there; any other failure is no answer", async () => {
    answers([[/-read/, missing]]);
    expect(await darwinUsers.find("oc")).toBeUndefined();
    answers([[/-read/, ended(185, "", "Invalid Path")]]);
    await expect(darwinUsers.find("oc")).rejects.toMatchObject({ code: "user-setup" });
  });
  it("that are half made count as absent, so that the next run completes them", async () => {
    answers([[/-read/, ended(0, "UniqueID: 499\nNo such key: NFSHomeDirectory\n")]]);
    expect(await darwinUsers.find("oc")).toBeUndefined();
  });
  it("are hidden, without password and login, with a number that neither user nor group has", async () => {
    let made = false;
    const calls = answers([
      [/-read \/Groups/, missing],
      [/-read \/Users/, () => (made ? ended(0, user.replaceAll("499", "497")) : missing)],
      [/-list \/Users UniqueID/, ended(0, "root 0\n_a  499\nadmin 501\n")],
      [/-list \/Groups PrimaryGroupID/, ended(0, "wheel 0\n_b  498\n")],
      [/NFSHomeDirectory \/Users\/oc$/, () => ((made = true), ended(0))],
      [/id -u/, ended(0, "497\n")],
    ]);
    expect(await darwinUsers.create("oc", "/Users/oc", "OpenClaw gateway team-a")).toMatchObject({
      uid: 497,
      gid: 497,
    });
    const changes = calls.filter((call) => call.includes("-create"));
    expect(changes[0]).toBe("/usr/bin/dscl . -create /Groups/oc");
    for (const words of ["IsHidden 1", "Password *", "UserShell /usr/bin/false", "UniqueID 497", "PrimaryGroupID 497"])
      expect(changes).toContainEqual(expect.stringContaining(`/Users/oc ${words}`));
    expect(changes.join("\n")).not.toContain("AuthenticationAuthority");
  });
  it("are not made when all numbers are taken", async () => {
    const all = Array.from({ length: 50 }, (_, index) => `u${index} ${450 + index}`).join("\n");
    answers([[/-read/, missing], [/-list/, ended(0, all)]]); // prettier-ignore
    await expect(darwinUsers.create("oc", "/Users/oc", "x")).rejects.toMatchObject({ code: "no-free-uid" });
  });
  it("that were made and cannot be found are a failure, whatever dscl said", async () => {
    answers([[/-read/, missing], [/-list/, ended(0, "root 0\n")]]); // prettier-ignore
    await expect(darwinUsers.create("oc", "/Users/oc", "x")).rejects.toThrow(/cannot be found/);
  });
  it("that SSH may not change say which setting is missing", async () => {
    answers([
      [/-read/, missing],
      [/-list/, ended(0, "root 0\n")],
      [/-create/, ended(40, "", "<dscl_cmd> DS Error: -14120 (eDSPermissionError)\n")],
    ]);
    await expect(darwinUsers.create("oc", "/Users/oc", "x")).rejects.toMatchObject({
      code: "full-disk-access",
      fix: expect.stringContaining("Allow full disk access for remote users") as string,
    });
  });
  it.each([
    ["a password", "AuthenticationAuthority: ;ShadowHash;\nPassword: ********\n", true],
    ["a password alone", "Password: ********\n", true],
    ["none", "Password: *\n", false],
  ])("with %s", async (_name, login, hasPassword) => {
    answers([[/-read/, ended(0, user)], [/AuthenticationAuthority/, ended(0, login)], [/id -Gn/, ended(0, "oc everyone\n")]]); // prettier-ignore
    expect(await darwinUsers.inspect("oc")).toMatchObject({ hasPassword, groups: ["oc", "everyone"] });
  });
  it.each([449, 500, 501])("with uid %i are not a gateway's", (uid) => {
    const facts = { name: "oc", uid, gid: uid, home: "/Users/oc", shell: "", groups: ["oc"], hasPassword: false };
    expect(userObjections(facts, "/Users/oc", darwin, "boot")).toHaveLength(1);
    expect(userObjections({ ...facts, uid: 499 }, "/Users/oc", darwin, "boot")).toEqual([]);
    expect(userObjections({ ...facts, uid: 499, groups: ["oc", "admin"] }, "/Users/oc", darwin, "boot")).toHaveLength(
      1,
    );
  });
});

describe("users of gateways that start at a login", () => {
  const jo = { name: "jo", uid: 502, gid: 20, home: "/Users/jo", shell: "/bin/zsh", groups: ["staff", "everyone", "com.apple.access_screensharing"], hasPassword: true }; // prettier-ignore
  const home = { uid: 502, isDirectory: true, isEmpty: false };
  const objections = (changes: Partial<typeof jo>) => userObjections({ ...jo, ...changes }, "/Users/jo", darwin, "login").map(({ message }) => message); // prettier-ignore
  const personal = darwin.accounts.login;
  if (personal === undefined) throw new Error("macOS has logins");

  it("may have a password, and are in the group of every local account", () => {
    expect(objections({})).toEqual([]);
  });
  it.each<[string, Partial<typeof jo>, RegExp]>([
    ["a role account", { uid: 499 }, /nobody logs in to such an account/],
    ["no number of a person's", { uid: 500 }, /nobody logs in to such an account/],
    ["an administrator", { groups: ["staff", "admin"] }, /privileged group admin/],
    ["somebody with another home", { home: "/Volumes/x/jo" }, /exists with the home/],
  ])("are not %s", (_name, changes, words) => {
    expect(objections(changes)).toEqual([expect.stringMatching(words)]);
  });
  it("are there before, and have logged in once: none is made here", () => {
    expect(personalObjection("jo", { user: jo, home }, personal)).toBeUndefined();
    expect(personalObjection("jo", { user: jo, home: undefined }, personal)?.message).toMatch(/nobody has logged in/);
    expect(personalObjection("jo", { user: undefined, home: undefined }, personal)).toMatchObject({
      message: expect.stringMatching(/does not exist/) as string,
      fix: expect.stringMatching(/System Settings.*log in at the screen once.*Gatehouse makes no account/) as string,
    });
  });
});

describe("sleep", () => {
  const custom = (changes: Record<string, string> = {}): string => {
    const settings = { standby: "0", powernap: "1", displaysleep: "10", womp: "1", sleep: "1", autorestart: "0", disksleep: "10", "Sleep On Power Button": "1", ...changes }; // prettier-ignore
    return `AC Power:\n${Object.entries(settings).map(([name, value]) => ` ${name.padEnd(20)} ${value}\n`).join("")}`; // prettier-ignore
  };
  /** A pmset that keeps what it is told. */
  const machine = (changes: Record<string, string> = {}) => {
    const state = Object.fromEntries(parseCustom(custom(changes)));
    hands.exec.mockImplementation((argv: readonly string[]) => {
      if (argv[1] === "-a") for (let at = 2; at < argv.length; at += 2) state[argv[at] ?? ""] = argv[at + 1] ?? "";
      return Promise.resolve(ended(0, custom(state)));
    });
    return state;
  };

  it("is prevented with what was before noted, and put back", async () => {
    const paths = nodePaths(root);
    mkdirSync(join(root, "var/lib"), { recursive: true });
    const state = machine();
    const before = { ...state };
    expect((await powerObjection())?.detail).toMatch(/sleep is 1, not 0/);
    await preventSleep(paths);
    expect(state).toMatchObject({ sleep: "0", disksleep: "0", powernap: "0", autorestart: "1", displaysleep: "10" });
    expect(await powerObjection()).toBeUndefined();
    // somebody changes one, and the next run puts it right: the record keeps the first value
    state["sleep"] = "30";
    await preventSleep(paths);
    await allowSleep(paths);
    expect(state).toEqual(before);
    await allowSleep(paths);
    expect(state).toEqual(before);
  });
  it("asks for no setting that the machine does not have", async () => {
    hands.exec.mockResolvedValue(ended(0, "AC Power:\n sleep                0\n womp                 1\n"));
    expect(await powerObjection()).toBeUndefined();
  });
  it.each([ended(1, "", "x"), ended(0, ""), ended(0, "Battery Power:\n sleep 0\n")])(
    "that cannot be read is no answer",
    async (result) => {
      hands.exec.mockResolvedValue(result);
      await expect(powerObjection()).rejects.toMatchObject({ code: "power-settings" });
    },
  );
  it("that pmset does not keep is a failure", async () => {
    mkdirSync(join(root, "var/lib"), { recursive: true });
    hands.exec.mockResolvedValue(ended(0, custom()));
    await expect(preventSleep(nodePaths(root))).rejects.toThrow(/did not keep/);
    expect(JSON.parse(readFileSync(nodePaths(root).powerRecord, "utf8"))).toMatchObject({ before: { sleep: "1" } });
  });
});

describe("processes", () => {
  it("that listen are told with owner and address", () => {
    const columns = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME";
    const line = (address: string) => `node      93 oc   21u  IPv4 0xabc      0t0  TCP ${address}:18789 (LISTEN)`;
    expect(parseListeners([columns, line("127.0.0.1"), line("*"), line("[::1]")].join("\n"))).toEqual([
      { user: "oc", address: "127.0.0.1" },
      { user: "oc", address: "::" },
      { user: "oc", address: "::1" },
    ]);
    expect(parseListeners("")).toEqual([]);
  });
  it("show their variables, or nothing is concluded", async () => {
    const line = "/opt/node gateway --port 18789 XPC_SERVICE_NAME=org.gatehouse.gateway.team-a A=b c D=e=f";
    expect(parseEnvironment(line).get("A")).toBe("b c");
    expect(parseEnvironment(line).get("D")).toBe("e=f");
    hands.exec.mockResolvedValue(ended(0, `${line}\n`));
    expect((await processEnvironment(1))?.get("D")).toBe("e=f");
    for (const result of [ended(1), ended(0, "/opt/node gateway --port 18789\n"), ended(0, "")]) {
      hands.exec.mockResolvedValue(result);
      expect(await processEnvironment(1)).toBeNull();
    }
  });
  it("have a log whose lines count from the last start that root noted", () => {
    const lines = ["old", "gatehouse: start 2026-11-27T07:00:00.000Z", "first", "gatehouse: start 2026-11-27T08:00:00.000Z", "second"]; // prettier-ignore
    expect(linesSince(lines, new Date("2026-11-27T07:59:59.900Z"))).toEqual(["second"]);
    expect(linesSince(["a"], new Date())).toEqual(["a"]);
  });
  it("have a log that goes on in a renamed file, while nobody writes into the new one", async () => {
    const log = join(root, "team-a.log");
    const hourAgo = new Date(Date.now() - 3_600_000);
    await expect(recentLines(log, hourAgo)).rejects.toMatchObject({ code: "ENOENT" });
    writeFileSync(`${log}.1`, "of yesterday\n");
    utimesSync(`${log}.1`, new Date(0), new Date(0));
    writeFileSync(`${log}.0`, "before\nafter the rotation\n");
    writeFileSync(log, "");
    expect(await recentLines(log, hourAgo)).toEqual(["before", "after the rotation"]);
    writeFileSync(log, "of the next process\n");
    expect(await recentLines(log, hourAgo)).toEqual(["before", "after the rotation", "of the next process"]);
  });
});

describe("what a Mac has to be", () => {
  const good = [[/sw_vers/, ended(0, "26.5.2\n")], [/xattr/, ended(1, "", "No such xattr\n")], [/codesign/, ended(0)]] as const; // prettier-ignore
  it("is macOS 13.5 or newer, with an official Node without the quarantine mark", async () => {
    const calls = answers(good);
    await checkRuntime("/opt/gatehouse/node/v/bin/node");
    expect(calls.join("\n")).toContain('certificate leaf[subject.OU] = "HX7739G8FX"');
  });
  it.each([
    ["an old macOS", /sw_vers/, ended(0, "13.4.1\n"), "macos-version"],
    ["a macOS that does not say", /sw_vers/, ended(1), "macos-version"],
    ["a marked file", /xattr/, ended(0, "0083;"), "quarantine"],
    ["another signature", /codesign/, ended(3), "signature"],
    ["a damaged file", /codesign/, ended(1), "signature"],
  ])("is refused with %s", async (_name, pattern, answer, code) => {
    answers([...good, [pattern, answer]]);
    await expect(checkRuntime("/opt/gatehouse/node/v/bin/node")).rejects.toMatchObject({ code, exit: EXIT.refused });
  });
  it.each([
    ["13.5", true],
    ["13.4.1", false],
    ["14.0", true],
    ["12.7", false],
    ["", false],
    ["26.5.2", true],
  ] as const)(
    // prettier-ignore
    "version %s: %s",
    (version, supported) => {
      expect(isSupported(version)).toBe(supported);
    },
  );
  it("has an id of its own", async () => {
    hands.exec.mockResolvedValue(ended(0, '      "IOPlatformUUID" = "3C6B1A80-0000-5000-8000-0123456789AB"\n'));
    expect(await darwin.machineId()).toBe("3C6B1A80-0000-5000-8000-0123456789AB");
    hands.exec.mockResolvedValue(ended(0, ""));
    await expect(darwin.machineId()).rejects.toMatchObject({ code: "machine-id" });
  });
});
