import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "plist";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Output } from "../../sandbox/macos/programs/output.ts";

const root = vi.hoisted(() => ({ path: "" }));
vi.mock("../../sandbox/macos/paths.ts", () => ({
  STAND_IN: "/opt/stand-in-macos",
  PATHS: {
    node: "/node",
    programs: "/programs.mjs",
    linux: "/usr",
    get directory() {
      return join(root.path, "directory.json");
    },
    get etc() {
      return root.path;
    },
    get state() {
      return root.path;
    },
    get faults() {
      return join(root.path, "faults.json");
    },
  },
}));

const { initialDirectory } = await import("../../sandbox/macos/directory/initial.ts");
const { writeDirectory } = await import("../../sandbox/macos/directory/store.ts");
const { dscl } = await import("../../sandbox/macos/programs/dscl.ts");
const { dseditgroup } = await import("../../sandbox/macos/programs/dseditgroup.ts");
const { plutil } = await import("../../sandbox/macos/programs/plutil.ts");
const { pmset } = await import("../../sandbox/macos/programs/power.ts");
const { security } = await import("../../sandbox/macos/programs/security.ts");
const { sysadminctl } = await import("../../sandbox/macos/programs/sysadminctl.ts");
const { parseTime } = await import("../../sandbox/macos/programs/text.ts");
const { programEntries } = await import("../../sandbox/macos/view.ts");

const parent = mkdtempSync(join(tmpdir(), "gatehouse-mac-"));
let count = 0;
let uid = 0;
vi.spyOn(process, "getuid").mockImplementation(() => uid);
beforeEach(() => {
  uid = 0;
  root.path = join(parent, String((count += 1)));
  mkdirSync(root.path);
  writeDirectory(initialDirectory([{ name: "ops", uid: 501, admin: true }]), "/");
});
afterAll(() => {
  rmSync(parent, { recursive: true });
});

const file = (name: string): string => join(root.path, name);
/** A command line without quotes in its words, on the local node. */
const call = (line: string): Output => dscl([".", ...line.split(" ")]);
const fault = (faults: object): void => {
  writeFileSync(file("faults.json"), JSON.stringify(faults));
};

describe("stand-in dscl", () => {
  it("prints values without blanks inline and the others on lines of their own", () => {
    expect(call("-read /Users/root UniqueID NFSHomeDirectory").stdout).toBe(
      "UniqueID: 0\nNFSHomeDirectory: /var/root\n",
    );
    expect(call("-read /Users/root RealName").stdout).toBe("RealName:\n System Administrator\n");
    expect(call("-read /Groups/admin GroupMembership").stdout).toBe("GroupMembership: root ops\n");
    expect(call("-read /Users/root Nothing")).toEqual({ code: 0, stdout: "", stderr: "No such key: Nothing\n" });
  });

  it("has a form for programs", () => {
    const { stdout } = dscl(["-plist", ".", "-read", "/Users/root", "RealName"]);
    writeFileSync(file("x"), stdout);
    expect(plutil(["-extract", "dsAttrTypeStandard:RealName.0", "raw", file("x")]).stdout.toString()).toBe("System Administrator\n"); // prettier-ignore
  });

  it("lists names, or the values of one attribute in the last column", () => {
    expect(call("-list /Users").stdout).toContain("nobody\nops\nroot\n");
    expect(call("-list /Users UniqueID").stdout).toMatch(/^ops +501$/m);
  });

  it("finds parts of values", () => {
    expect(call("-search /Users UniqueID 50").stdout).toBe("ops\t\tUniqueID = (\n    501\n)\n");
  });

  it("creates, appends, changes and deletes, and tells libc", () => {
    expect(call("-create /Users/_x UniqueID 455").code).toBe(0);
    call("-create /Users/_x PrimaryGroupID 455");
    // no number has to be free
    expect(call("-create /Groups/_y PrimaryGroupID 80").code).toBe(0);
    call("-append /Groups/admin GroupMembership _x");
    expect(readFileSync(file("passwd"), "utf8")).toMatch(/^_x:x:455:455:/m);
    expect(readFileSync(file("group"), "utf8")).toMatch(/^admin:x:80:root,ops,_x$/m);
    call("-change /Users/_x UniqueID 455 456");
    expect(call("-read /Users/_x UniqueID").stdout).toBe("UniqueID: 456\n");
    call("-delete /Groups/admin GroupMembership _x");
    expect(call("-read /Groups/admin GroupMembership").stdout).toBe("GroupMembership: root ops\n");
    call("-delete /Users/_x");
    expect(readFileSync(file("passwd"), "utf8")).not.toContain("_x:");
  });

  it("leaves the accounts readable to everybody, whatever the caller's umask is", async () => {
    const line = `umask 077; exec "$0" --import tsx -e 'import { replaceFile } from "${resolve("sandbox/macos/replace-file.ts")}"; replaceFile("${file("passwd")}", "x", 0o644);'`; // prettier-ignore
    await promisify(execFile)("/bin/sh", ["-c", line, process.execPath]);
    expect(statSync(file("passwd")).mode & 0o777).toBe(0o644);
  });

  it.each([
    ["-read /Users/none", 56, "<dscl_cmd> DS Error: -14136 (eDSRecordNotFound)\n"],
    ["-delete /Users/none", 185, "delete: Invalid Path\n<dscl_cmd> DS Error: -14009 (eDSUnknownNodeName)\n"],
  ])("ends %s with the low byte of the error", (line, code, stderr) => {
    expect(call(line)).toEqual({ code, stdout: "", stderr });
  });

  it("is root's to write, and wants Full Disk Access for some of it", () => {
    uid = 501;
    expect(call("-create /Users/_x")).toMatchObject({ code: 40, stderr: "<dscl_cmd> DS Error: -14120 (eDSPermissionError)\n" }); // prettier-ignore
    uid = 0;
    fault({ noFullDiskAccess: true });
    expect(call("-create /Users/_x").code).toBe(0);
    expect(call("-delete /Users/_x").code).toBe(40);
  });
});

describe("stand-ins for accounts", () => {
  it("dseditgroup says 0, 67 and 64", () => {
    const member = (user: string, group: string): number => dseditgroup(["-o", "checkmember", "-m", user, group]).code;
    expect([member("ops", "admin"), member("nobody", "admin"), member("none", "admin"), member("ops", "none")]).toEqual([0, 67, 64, 64]); // prettier-ignore
    expect(dseditgroup(["-o", "edit", "-d", "ops", "-t", "user", "admin"]).code).toBe(0);
    expect(member("ops", "admin")).toBe(67);
  });

  it("sysadminctl succeeds, whatever happens", () => {
    const add = (name: string, id: string): Output => sysadminctl(["-addUser", name, "-roleAccount", "-UID", id]);
    expect(add("_x", "300")).toMatchObject({ code: 0, stderr: expect.stringContaining("450-499 range") as string });
    expect(add("x", "455").code).toBe(0);
    expect(call("-list /Users").stdout).not.toMatch(/^_?x$/m);
    add("_x", "455");
    expect(call("-read /Users/_x UserShell").stdout).toBe("UserShell: /usr/bin/false\n");
  });
});

describe("stand-ins for the rest", () => {
  it("pmset keeps what it knows, ignores what the machine lacks, and complains on stdout", () => {
    expect(pmset(["-a", "sleep", "0", "hibernatemode", "0"]).code).toBe(0);
    const shown = String(pmset(["-g", "custom"]).stdout);
    expect(shown).toMatch(/^ sleep {16}0$/m);
    expect(shown).not.toContain("hibernatemode");
    expect(pmset(["-a", "sleep", "never"]).code).toBe(64);
    uid = 501;
    expect(pmset(["-a", "sleep", "1"])).toEqual({ code: 1, stdout: "'pmset' must be run as root...\n", stderr: "" });
  });

  it("security is locked unless a test unlocks it, and prints hex", () => {
    const find = (): Output => security(["find-generic-password", "-s", "svc", "-w"]);
    expect(find().code).toBe(44);
    security(["add-generic-password", "-s", "svc", "-a", "a", "-w", "two\nlines", "/x/login.keychain-db"]);
    expect(find()).toMatchObject({ code: 36, stderr: expect.stringContaining("User interaction is not allowed.") as string }); // prettier-ignore
    fault({ keychainUnlocked: true });
    expect(find().stdout).toBe(`${Buffer.from("two\nlines").toString("hex")}\n`);
    const told = (): string => security(["find-generic-password", "-s", "svc", "-g"]).stderr;
    expect(told()).toBe('password: 0x74776F0A6C696E6573  "two\\012lines"\n');
    security(["add-generic-password", "-U", "-s", "svc", "-a", "a", "-w", "6b6579", "/x/login.keychain-db"]);
    expect(told()).toBe('password: "6b6579"\n');
    security(["add-generic-password", "-U", "-s", "svc", "-a", "a", "-w", "a\\b", "/x/login.keychain-db"]);
    expect(told()).toBe('password: 0x615C62  "a\\134b"\n');
  });

  it("plutil refuses what is no property list, and converts", () => {
    writeFileSync(file("good"), build({ a: [1, 2], "b.c": true }));
    writeFileSync(file("bad"), "a: 1");
    expect(plutil(["-lint", file("good")])).toMatchObject({ code: 0, stdout: Buffer.from(`${file("good")}: OK\n`) });
    expect(plutil(["-lint", file("bad")]).code).toBe(1);
    expect(plutil(["-lint", file("none")]).code).toBe(1);
    expect(plutil(["-convert", "json", "-o", "-", "--", file("good")]).stdout.toString()).toBe(
      '{"a":[1,2],"b.c":true}',
    );
    expect(plutil(["-extract", "a", "raw", "-o", "-", "--", file("good")]).stdout.toString()).toBe("2\n");
    expect(plutil(["-extract", "b\\.c", "raw", file("good")]).stdout.toString()).toBe("true\n");
    expect(plutil(["-extract", "z", "raw", file("good")]).code).toBe(1);
  });

  it("date reads what strptime would", () => {
    expect(parseTime("%Y-%m-%dT%H:%M:%SZ", "2026-11-27T00:00:01Z")).toBe(Date.UTC(2026, 10, 27, 0, 0, 1) / 1000);
    expect(parseTime("%F %T %z", "2026-11-27 02:00:00 +0200")).toBe(Date.UTC(2026, 10, 27) / 1000);
    expect(parseTime("%s", "12")).toBe(12);
    expect(parseTime("%F", "yesterday")).toBeUndefined();
  });

  it("no program is there that macOS does not have", () => {
    const paths = programEntries().map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    const linuxOnly =
      /\/(systemctl|loginctl|journalctl|useradd|usermod|getent|runuser|setfacl|ip|ss|timeout|flock|sha256sum)$/;
    expect(paths.filter((path) => linuxOnly.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(["bin/launchctl", "usr/bin/dscl", "usr/sbin/sysadminctl", "bin/sh"]));
  });
});
