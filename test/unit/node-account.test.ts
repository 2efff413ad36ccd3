import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accountPhase } from "../../node/account/index.ts";
import { nodePaths, type NodePaths } from "../../node/lib/paths.ts";
import { registeredGateways } from "../../node/lib/registry.ts";
import type { Context } from "../../node/phase.ts";
import type { HomeFacts, Platform, UserFacts } from "../../node/platform/index.ts";
import { darwin } from "../../node/platform/darwin/platform.ts";
import type { AccountPayload } from "../../node/protocol.ts";

const HOME = "/Users/jo";
const AT_BOOT: AccountPayload = { machine: {}, gateway: "team-c", user: "jo", home: HOME, sharedDirectories: [], purge: true }; // prettier-ignore
const PAYLOAD: AccountPayload = { ...AT_BOOT, startsAt: "login" };

let root: string;
let paths: NodePaths;
let jo: UserFacts | undefined;
let home: HomeFacts | undefined;
const calls: string[] = [];
const noted = (name: string) => vi.fn(() => Promise.resolve(void calls.push(name)));
const platform: Platform = {
  ...darwin,
  alwaysOn: { ...darwin.alwaysOn, release: noted("release") },
  users: {
    ...darwin.users,
    find: () => Promise.resolve(jo),
    inspect: () => Promise.resolve(jo),
    inspectHome: () => Promise.resolve(home),
    foreignAncestor: () => Promise.resolve(undefined),
    create: () => Promise.reject(new Error("made an account")),
    makeHome: noted("makeHome"),
    stopManager: noted("stopManager"),
    purge: noted("purge"),
  },
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-account-"));
  paths = nodePaths(root);
  mkdirSync(paths.state, { recursive: true });
  jo = { name: "jo", uid: 502, gid: 20, home: HOME, shell: "/bin/zsh", groups: ["staff"], hasPassword: true };
  home = { uid: 502, isDirectory: true, isEmpty: false };
  calls.length = 0;
});
afterEach(() => {
  rmSync(root, { recursive: true });
});
const context = () => ({ platform, paths, progress: () => undefined, signal: AbortSignal.timeout(10_000) }) as unknown as Context; // prettier-ignore
const apply = (payload: unknown = PAYLOAD) => accountPhase.apply(accountPhase.check(payload), context());
const remove = (payload: unknown = PAYLOAD) => accountPhase.remove(accountPhase.check(payload), context());

describe("the account of a gateway that starts at a login", () => {
  it("is taken as it is, and root remembers its start", async () => {
    expect(await apply()).toMatchObject({ uid: 502, gid: 20, home: HOME });
    expect(calls).toEqual(["makeHome"]);
    expect(await registeredGateways(paths)).toEqual([{ gateway: "team-c", user: "jo", home: HOME, startsAt: "login" }]);
  });
  it.each([
    ["there", () => (jo = home = undefined), /does not exist/],
    ["logged in to once", () => (home = undefined), /nobody has logged in/],
    ["without power", () => (jo = jo && { ...jo, groups: ["staff", "admin"] }), /privileged group admin/],
  ])("has to be %s", async (_name, plant, words) => {
    plant();
    await expect(apply()).rejects.toMatchObject({ code: "account-refused", message: expect.stringMatching(words) as string }); // prettier-ignore
    expect([calls, await registeredGateways(paths)]).toEqual([[], []]);
  });
  it("stays when the gateway goes, with all that runs as it, whatever the payload says", async () => {
    for (const payload of [PAYLOAD, AT_BOOT]) {
      await apply();
      expect(await remove(payload)).toEqual({ removed: [], kept: [`user jo with ${HOME}`] });
      expect(await registeredGateways(paths)).toEqual([]);
    }
    await remove();
    expect(calls).not.toContain("purge");
    expect(calls).not.toContain("stopManager");
  });
  it.each([
    ["a login", AT_BOOT, PAYLOAD, 499, /starts at boot, not at login/],
    ["boot", PAYLOAD, AT_BOOT, 502, /starts at login, not at boot/],
  ])("cannot be changed to one of a gateway that starts at %s", async (_name, first, second, uid, words) => {
    jo = jo && { ...jo, uid, groups: ["jo"], hasPassword: uid > 500 };
    home = { uid, isDirectory: true, isEmpty: false };
    await apply(first);
    const before = await registeredGateways(paths);
    await expect(apply(second)).rejects.toMatchObject({ message: expect.stringMatching(words) as string, fix: expect.stringContaining("another user") as string }); // prettier-ignore
    expect(await registeredGateways(paths)).toEqual(before);
  });
});

it("an account that Gatehouse made goes with its gateway", async () => {
  jo = jo && { ...jo, uid: 499, groups: ["jo"], hasPassword: false };
  home = { uid: 499, isDirectory: true, isEmpty: false };
  await apply(AT_BOOT);
  expect(await registeredGateways(paths)).toEqual([{ gateway: "team-c", user: "jo", home: HOME }]);
  await remove(AT_BOOT);
  expect(calls).toEqual(["makeHome", "stopManager", "purge", "release"]);
});
