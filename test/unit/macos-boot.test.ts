import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it, vi } from "vitest";
import { nodePaths } from "../../node/lib/paths.ts";
import { darwin } from "../../node/platform/darwin/platform.ts";
import type { Program } from "../../sandbox/macos/programs/output.ts";
import { ended } from "./darwin-fixture.ts";

/** The platform's readers against the stand-in's programs, in this process: what one prints, the other reads. */
const root = vi.hoisted(() => ({ path: "" }));
vi.mock("../../sandbox/macos/paths.ts", () => ({
  PATHS: {
    get state() {
      return root.path;
    },
    get faults() {
      return join(root.path, "faults.json");
    },
  },
}));
const { defaults } = await import("../../sandbox/macos/programs/defaults.ts");
const { fdesetup, pmset, softwareupdate, systemsetup } = await import("../../sandbox/macos/programs/power.ts");

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));

const PROGRAMS: Readonly<Record<string, Program>> = {
  "/usr/bin/defaults": ([verb = "", domain = "", ...rest]) => defaults([verb, join(root.path, domain), ...rest]),
  "/usr/bin/fdesetup": fdesetup,
  "/usr/bin/pmset": pmset,
  "/usr/sbin/softwareupdate": softwareupdate,
  "/usr/sbin/systemsetup": systemsetup,
};

let uid = 0;
vi.spyOn(process, "getuid").mockImplementation(() => uid);
const parent = mkdtempSync(join(tmpdir(), "gatehouse-mac-boot-"));
let count = 0;
beforeEach(() => {
  uid = 0;
  root.path = join(parent, String((count += 1)));
  mkdirSync(join(root.path, "var/lib"), { recursive: true });
  hands.exec.mockImplementation(async ([program = "", ...words]: readonly string[]) => {
    const { code, stdout, stderr } = (await PROGRAMS[program]?.(words)) ?? { code: 127, stdout: "", stderr: "" };
    return ended(code, stdout.toString(), stderr);
  });
});
afterAll(() => {
  rmSync(parent, { recursive: true });
});

const LOGIN = "/Library/Preferences/com.apple.loginwindow";
const UPDATES = "/Library/Preferences/com.apple.SoftwareUpdate";
const preference = (verb: string, domain: string, ...rest: readonly string[]) =>
  PROGRAMS["/usr/bin/defaults"]?.([verb, domain, ...rest]);

it("a Mac as it comes says all but what nobody has set", async () => {
  expect(await darwin.bootFacts()).toEqual({
    ...{ fileVault: false, automaticLogin: false, networkTime: true },
    updatesRestart: null,
  });
});

it("a Mac that nobody has prepared says what is in the way", async () => {
  writeFileSync(join(root.path, "filevault.json"), "true");
  await preference("write", LOGIN, "autoLoginUser", "jo");
  await preference("write", UPDATES, "AutomaticallyInstallMacOSUpdates", "-bool", "true");
  systemsetup(["-setusingnetworktime", "off"]);
  expect(await darwin.bootFacts()).toEqual({
    ...{ fileVault: true, automaticLogin: true, networkTime: false },
    updatesRestart: true,
  });
  softwareupdate(["--schedule", "off"]);
  expect(await darwin.bootFacts()).toMatchObject({ updatesRestart: false });
});

it("without root the clock is not told", async () => {
  uid = 501;
  expect(await darwin.bootFacts()).toMatchObject({ networkTime: null });
});

it.each([["true"], [undefined]])("what keeps it on is put back, also where updates were %j", async (before) => {
  const paths = nodePaths(root.path);
  const { alwaysOn } = darwin;
  if (before !== undefined) await preference("write", UPDATES, "AutomaticallyInstallMacOSUpdates", "-bool", before);
  const state = async () => [pmset(["-g", "custom"]), await preference("read", UPDATES, "AutomaticallyInstallMacOSUpdates")].map((one) => [one?.code, one?.stdout]); // prettier-ignore
  const was = await state();
  expect((await alwaysOn.objections(paths)).map(({ about }) => about)).toEqual(["sleep", "updates"]);
  await alwaysOn.keep(paths);
  expect(await alwaysOn.objections(paths)).toEqual([]);
  expect(await darwin.bootFacts()).toMatchObject({ updatesRestart: false });
  await alwaysOn.release(paths);
  expect(await state()).toEqual(was);
});
