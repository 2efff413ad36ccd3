import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { homeObjections, userObjections } from "../../node/account/objections.ts";
import { checkMachine, recordedMachineId } from "../../node/lib/machine.ts";
import { nodePaths, type NodePaths } from "../../node/lib/paths.ts";
import {
  gatewayOfUser,
  recordRuntimes,
  registeredGateways,
  registerGateway,
  unregisterGateway,
} from "../../node/lib/registry.ts";
import type { Platform, UserFacts } from "../../node/platform/index.ts";
import { linux } from "../../node/platform/linux/platform.ts";
import { EXIT } from "../../node/protocol.ts";

const HERE = "0123456789abcdef0123456789abcdef";
const ELSEWHERE = "f".repeat(32);
const platform: Platform = { ...linux, machineId: async () => HERE };

let root: string;
let paths: NodePaths;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-host-"));
  paths = nodePaths(root);
  mkdirSync(join(root, "var/lib"), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function plantRecord(content: string): void {
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(paths.machineRecord, content);
}

describe("checkMachine", () => {
  const check = (expectation: { machineId?: string }, known: boolean): Promise<string> =>
    checkMachine({ ...expectation, known }, { paths, platform });
  const changed = { code: "machine-changed", layer: "host", exit: EXIT.refused };

  it("records the machine at first contact, for root only", async () => {
    expect(await check({}, false)).toBe(HERE);
    expect(await recordedMachineId(paths)).toBe(HERE);
    expect(statSync(paths.machineRecord).mode & 0o777).toBe(0o600);
    expect(statSync(paths.state).mode & 0o777).toBe(0o700);
  });
  it("knows it again", async () => {
    await check({}, false);
    expect(await check({}, true)).toBe(HERE);
    expect(await check({}, false)).toBe(HERE);
  });
  it("refuses a known node without a record: it was replaced or reinstalled", async () => {
    await expect(check({}, true)).rejects.toMatchObject(changed);
    expect(await recordedMachineId(paths)).toBeUndefined();
  });
  it.each([true, false])("refuses a copied disk (known: %s) and names the id to accept", async (known) => {
    plantRecord(JSON.stringify({ machineId: ELSEWHERE }));
    await expect(check({}, known)).rejects.toMatchObject({
      ...changed,
      fix: expect.stringContaining(`machineId: ${HERE}`) as string,
    });
    expect(await recordedMachineId(paths)).toBe(ELSEWHERE);
  });
  it.each([true, false])("accepts exactly the pinned machine and records it anew (known: %s)", async (known) => {
    plantRecord(JSON.stringify({ machineId: ELSEWHERE }));
    expect(await check({ machineId: HERE.toUpperCase() }, known)).toBe(HERE);
    expect(await recordedMachineId(paths)).toBe(HERE);
  });
  it("refuses another machine than the pinned one, whatever is recorded", async () => {
    plantRecord(JSON.stringify({ machineId: HERE }));
    await expect(check({ machineId: ELSEWHERE }, true)).rejects.toMatchObject(changed);
  });
  it.each(["", "{}", '{"machineId":""}', "garbage"])("refuses a damaged record %j unless pinned", async (content) => {
    plantRecord(content);
    await expect(check({}, true)).rejects.toMatchObject({ code: "machine-record", exit: EXIT.refused });
    expect(await check({ machineId: HERE }, true)).toBe(HERE);
  });
});

describe("registry of gateways", () => {
  const entry = { gateway: "team-a", user: "oc-a", home: "/home/oc-a" };

  it("is empty on a new node", async () => {
    expect(await registeredGateways(paths)).toEqual([]);
  });
  it("keeps entries for root only, and forgets them", async () => {
    mkdirSync(paths.state);
    await registerGateway(paths, entry);
    await registerGateway(paths, { ...entry, gateway: "team-b", user: "oc-b" });
    expect((await registeredGateways(paths)).map(({ gateway }) => gateway)).toEqual(["team-a", "team-b"]);
    expect(statSync(join(paths.gateways, "team-a.json")).mode & 0o777).toBe(0o600);
    await unregisterGateway(paths, "team-a");
    await unregisterGateway(paths, "team-a");
    expect((await registeredGateways(paths)).map(({ gateway }) => gateway)).toEqual(["team-b"]);
  });
  it("remembers which gateway starts at a login, and whose user is whose", async () => {
    mkdirSync(paths.state);
    const login = { ...entry, gateway: "team-b", user: "jo", startsAt: "login" } as const;
    await registerGateway(paths, entry);
    await registerGateway(paths, login);
    await recordRuntimes(paths, "team-b", ["openclaw-1"]);
    expect(await gatewayOfUser(paths, "jo")).toEqual({ ...login, runtimes: ["openclaw-1"] });
    expect(await gatewayOfUser(paths, "oc-a")).toEqual(entry);
    expect(await gatewayOfUser(paths, "nobody")).toBeUndefined();
    writeFileSync(join(paths.gateways, "team-b.json"), JSON.stringify({ ...login, startsAt: "dusk" }));
    await expect(gatewayOfUser(paths, "jo")).rejects.toMatchObject({ code: "payload" });
  });
  it("notes runtimes sorted, once each, and only of a gateway it knows", async () => {
    mkdirSync(paths.state);
    await recordRuntimes(paths, "team-a", ["openclaw-1"]);
    expect(await registeredGateways(paths)).toEqual([]);
    await registerGateway(paths, entry);
    await recordRuntimes(paths, "team-a", ["openclaw-2", "openclaw-1", "openclaw-2"]);
    expect(await registeredGateways(paths)).toEqual([{ ...entry, runtimes: ["openclaw-1", "openclaw-2"] }]);
    const before = statSync(join(paths.gateways, "team-a.json")).ino;
    await recordRuntimes(paths, "team-a", ["openclaw-1", "openclaw-2"]);
    expect(statSync(join(paths.gateways, "team-a.json")).ino).toBe(before);
  });
  it("tells a gateway that needs no runtime from one that has not said", async () => {
    mkdirSync(paths.state);
    await registerGateway(paths, entry);
    await recordRuntimes(paths, "team-a", []);
    expect(await registeredGateways(paths)).toEqual([{ ...entry, runtimes: [] }]);
  });
  it("does not trust a file that is not an entry", async () => {
    mkdirSync(paths.gateways, { recursive: true });
    writeFileSync(join(paths.gateways, "x.json"), JSON.stringify({ ...entry, home: "/../etc" }));
    await expect(registeredGateways(paths)).rejects.toMatchObject({ code: "payload" });
  });
});

describe("objections to a user", () => {
  const HOME = "/home/oc";
  const ours: UserFacts = {
    name: "oc",
    uid: 1001,
    gid: 1001,
    home: "/home/oc",
    shell: "/usr/sbin/nologin",
    groups: ["oc"],
    hasPassword: false,
  };

  it("are none to one that Gatehouse could have made", () => {
    expect(userObjections(ours, HOME, linux, "boot")).toEqual([]);
  });
  it.each([
    ["a system user", { uid: 999 }, "system uid 999"],
    ["a password", { hasPassword: true }, "password"],
    ["another home", { home: "/srv/oc" }, "/srv/oc"],
  ] as const)("are raised to %s", (_name, change, words) => {
    const objections = userObjections({ ...ours, ...change }, HOME, linux, "boot");
    expect(objections).toHaveLength(1);
    expect(objections[0]?.message).toContain(words);
    expect(objections[0]?.fix).not.toBe("");
  });
  it.each(linux.accounts.boot?.privilegedGroups ?? [])("are raised to a member of %s", (group) => {
    expect(userObjections({ ...ours, groups: ["oc", group] }, HOME, linux, "boot")[0]?.message).toContain(group);
  });
  it("is one that no gateway starts at a login there", () => {
    expect(userObjections(ours, HOME, linux, "login").map(({ message }) => message)).toEqual([
      "no gateway starts at login on this kind of node",
    ]);
  });
  it("are all told, the worst first", () => {
    const worst = { ...ours, uid: 0, groups: ["root"], hasPassword: true, home: "/root" };
    expect(userObjections(worst, HOME, linux, "boot").map(({ message }) => message)).toEqual([
      expect.stringContaining("system uid"),
      expect.stringContaining("privileged group"),
      expect.stringContaining("password"),
      expect.stringContaining("home"),
    ]);
  });

  it("to a home: it may be absent, the user's own, or root's and empty; nothing else", () => {
    const facts = fc.record({ uid: fc.constantFrom(0, 1001, 1002), isDirectory: fc.boolean(), isEmpty: fc.boolean() });
    fc.assert(
      fc.property(fc.option(facts, { nil: undefined }), fc.constantFrom(1001, undefined), (home, uid) => {
        const fine =
          home === undefined ||
          (home.isDirectory && ((uid !== undefined && home.uid === uid) || (home.uid === 0 && home.isEmpty)));
        expect(homeObjections("/home/oc", home, uid)).toHaveLength(fine ? 0 : 1);
      }),
    );
  });
});

describe("this machine", () => {
  it("has the id of /etc/machine-id, or says how to make one", async () => {
    const content = (() => {
      try {
        return readFileSync("/etc/machine-id", "utf8").trim();
      } catch {
        return "";
      }
    })();
    if (/^[0-9a-f]{32}$/.test(content)) expect(await linux.machineId()).toBe(content);
    else await expect(linux.machineId()).rejects.toMatchObject({ code: "machine-id", exit: EXIT.unavailable });
  });
  it("finds processes by their directory and program, and no other", async () => {
    const found = await linux.processesBelow(process.cwd(), process.execPath);
    expect(found).toContain(process.pid);
    expect(await linux.processesBelow(root, process.execPath)).toEqual([]);
    expect(await linux.processesBelow(process.cwd(), "/bin/true")).toEqual([]);
  });
});
