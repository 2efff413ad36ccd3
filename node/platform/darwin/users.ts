import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../../protocol.ts";
import { describeEnd, exec } from "../../lib/exec.ts";
import type { ExecResult } from "../../lib/exec.ts";
import { PhaseFailure, errnoOf } from "../../lib/failure.ts";
import type { OsUser, Platform, UserFacts, Users } from "../index.ts";
import { foreignAncestor, inspectHome, inspectShared, makeHome } from "../posix-directories.ts";

/** Of role accounts: hidden at the login window, and what sysadminctl accepts on macOS 26 (facts: macos.md 2). */
const FIRST_UID = 450;
const LAST_UID = 499;
const NO_SHELL = "/usr/bin/false";
/** Who may use SSH; without the group everybody may. */
const SSH_GROUP = "com.apple.access_ssh";

/** dscl's exit status is the low byte of the directory service's error. */
const PERMISSION = 40;
const NOT_FOUND = 56;
const SPURIOUS = 140;

async function run(argv: readonly [string, ...string[]], timeoutSeconds = 30): Promise<ExecResult> {
  return await exec(argv, { timeoutSeconds, cwd: "/" });
}

function failure(argv: readonly string[], result: ExecResult): PhaseFailure {
  const detail = result.stderr.trim().split("\n").at(-1) ?? "";
  const permission = result.status === PERMISSION || /-14120|eDSPermissionError/.test(result.stderr);
  return new PhaseFailure({
    layer: "host",
    code: permission ? "full-disk-access" : "user-setup",
    message: `\`${argv.join(" ")}\` failed (${describeEnd(result)})${detail === "" ? "" : `: ${detail}`}`,
    fix: permission
      ? "let SSH sessions change accounts: System Settings, General, Sharing, Remote Login (i), 'Allow full disk access for remote users'"
      : "run that command on the node as root and follow its message",
    exit: permission ? EXIT.permission : EXIT.os,
  });
}

/** A change of the directory; -14988 comes out of nowhere and goes away. */
async function change(...args: readonly string[]): Promise<void> {
  const argv = ["/usr/bin/dscl", ".", ...args] as const;
  let result = await run(argv);
  for (let attempt = 0; attempt < 3 && result.status === SPURIOUS; attempt += 1) {
    await sleep(500);
    result = await run(argv);
  }
  if (result.status !== 0) throw failure(argv, result);
}

/** `Key: value` on one line, or the value, which has blanks, indented on the next. */
export function parseRecord(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let open: string | undefined;
  for (const line of text.split("\n")) {
    const match = /^(\S[^:]*(?::[^\s:]+)*):(?: (.*))?$/.exec(line);
    if (match !== null) {
      open = match[1] ?? "";
      values.set(open, match[2] ?? "");
    } else if (open !== undefined && line.startsWith(" ")) {
      values.set(open, [values.get(open) ?? "", line.trim()].filter((part) => part !== "").join(" "));
    }
  }
  return values;
}

/** Attributes of a record; undefined when there is none. */
async function read(
  record: string,
  ...attributes: readonly string[]
): Promise<ReadonlyMap<string, string> | undefined> {
  const argv = ["/usr/bin/dscl", ".", "-read", record, ...attributes] as const;
  const result = await run(argv);
  if (result.status === 0) return parseRecord(result.stdout);
  if (result.status === NOT_FOUND || /eDSRecordNotFound|-14136/.test(result.stderr)) return undefined;
  throw failure(argv, result);
}

async function find(name: string): Promise<OsUser | undefined> {
  const found = await read(`/Users/${name}`, "UniqueID", "PrimaryGroupID", "NFSHomeDirectory", "UserShell");
  const [uid, gid, home] = ["UniqueID", "PrimaryGroupID", "NFSHomeDirectory"].map((key) => found?.get(key));
  // half a record is what a killed run leaves: `create` completes it
  if (uid === undefined || gid === undefined || home === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home, shell: found?.get("UserShell") ?? "" };
}

async function inspect(name: string): Promise<UserFacts | undefined> {
  const user = await find(name);
  if (user === undefined) return undefined;
  const [groups, login] = await Promise.all([
    run(["/usr/bin/id", "-Gn", name]),
    read(`/Users/${name}`, "AuthenticationAuthority", "Password"),
  ]);
  const password = login?.get("Password") ?? "*";
  const hasPassword = (login?.get("AuthenticationAuthority") ?? "") !== "" || password !== "*";
  return { ...user, groups: groups.stdout.trim().split(/\s+/), hasPassword };
}

/** The numbers in the last column of `dscl . -list`. */
async function numbers(path: string, attribute: string): Promise<readonly number[]> {
  const argv = ["/usr/bin/dscl", ".", "-list", path, attribute] as const;
  const result = await run(argv);
  if (result.status !== 0) throw failure(argv, result);
  return result.stdout.split("\n").map((line) => Number(line.trim().split(/\s+/).at(-1)));
}

/** A number that no user and no group has: dscl itself allows two with the same. */
async function freeId(): Promise<number> {
  const used = new Set([
    ...(await numbers("/Users", "UniqueID")),
    ...(await numbers("/Users", "PrimaryGroupID")),
    ...(await numbers("/Groups", "PrimaryGroupID")),
  ]);
  for (let id = LAST_UID; id >= FIRST_UID; id -= 1) if (!used.has(id)) return id;
  throw new PhaseFailure({
    layer: "host",
    code: "no-free-uid",
    message: `all uids from ${FIRST_UID} to ${LAST_UID} are taken on this machine`,
    fix: "remove role accounts that nobody needs: `dscl . -list /Users UniqueID` on the node",
    exit: EXIT.os,
  });
}

/** The group comes first: killed in between, the next run takes its number. */
async function ownGroup(name: string): Promise<number> {
  const known = Number((await read(`/Groups/${name}`, "PrimaryGroupID"))?.get("PrimaryGroupID"));
  if (known >= FIRST_UID && known <= LAST_UID) return known;
  const id = await freeId();
  await change("-create", `/Groups/${name}`);
  await change("-create", `/Groups/${name}`, "PrimaryGroupID", String(id));
  await change("-create", `/Groups/${name}`, "RealName", name);
  await change("-create", `/Groups/${name}`, "Password", "*");
  return id;
}

async function create(name: string, home: string, comment: string): Promise<OsUser> {
  const id = String(await ownGroup(name));
  const record = `/Users/${name}`;
  await change("-create", record);
  // no AuthenticationAuthority: no login, and no Secure Token, which unlocks FileVault
  for (const [attribute, value] of [
    ["IsHidden", "1"],
    ["Password", "*"],
    ["UserShell", NO_SHELL],
    ["RealName", comment],
    ["PrimaryGroupID", id],
    ["UniqueID", id],
    // last: without it the record is not whole
    ["NFSHomeDirectory", home],
  ] as const)
    await change("-create", record, attribute, value);
  const user = await find(name);
  const seen = await run(["/usr/bin/id", "-u", name]);
  if (user !== undefined && seen.stdout.trim() === id) return user;
  throw new PhaseFailure({
    layer: "host",
    code: "user-setup",
    message: `${name} was created and cannot be found as uid ${id}`,
    fix: `look at \`dscl . -read ${record}\` and \`id ${name}\` on the node`,
    exit: EXIT.os,
  });
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

async function processesOf(uid: number): Promise<readonly Process[]> {
  const { stdout } = await run(["/bin/ps", "-axo", "pid=,uid=,ruid=,stat=,comm="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, own, real, state = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (state.startsWith("Z") || ![Number(own), Number(real)].includes(uid)) return [];
    return [{ pid: Number(pid), command }];
  });
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
    return false;
  }
}

async function stopManager(user: OsUser): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const left = await processesOf(user.uid);
    if (left.length === 0) return;
    for (const { pid } of left) signal(pid, attempt < 10 ? "SIGTERM" : "SIGKILL");
    await sleep(100);
  }
  throw new PhaseFailure({
    layer: "host",
    code: "processes-left",
    message: `processes of ${user.name} do not end`,
    fix: `look at \`ps -axu\` for ${user.name} on the node`,
    exit: EXIT.os,
  });
}

async function isMember(name: string, group: string): Promise<boolean> {
  return (await run(["/usr/sbin/dseditgroup", "-o", "checkmember", "-m", name, group])).status === 0;
}

/** With the group, only its members pass sshd's account check, after a correct key and without a word. */
async function allowSsh(name: string, allowed: boolean): Promise<void> {
  if ((await read(`/Groups/${SSH_GROUP}`, "PrimaryGroupID")) === undefined) return;
  if ((await isMember(name, SSH_GROUP)) === allowed) return;
  const argv = ["/usr/sbin/dseditgroup", "-o", "edit", allowed ? "-a" : "-d", name, "-t", "user", SSH_GROUP] as const;
  const result = await run(argv);
  if (result.status !== 0) throw failure(argv, result);
}

async function setShell(user: OsUser, use: "none" | "commands"): Promise<void> {
  const shell = use === "commands" ? "/bin/sh" : NO_SHELL;
  if ((await find(user.name))?.shell !== shell) await change("-create", `/Users/${user.name}`, "UserShell", shell);
  await allowSsh(user.name, use === "commands");
}

async function endSessions(user: OsUser): Promise<number> {
  const sessions = (await processesOf(user.uid)).filter(({ command }) =>
    /(?:^|\/)sshd(?:-session)?(?::|$)/.test(command),
  );
  return sessions.filter(({ pid }) => signal(pid, "SIGTERM")).length;
}

async function purge(user: OsUser): Promise<void> {
  await rm(user.home, { recursive: true, force: true });
  await allowSsh(user.name, false);
  for (const record of [`/Users/${user.name}`, `/Groups/${user.name}`])
    if ((await read(record, "RecordName")) !== undefined) await change("-delete", record);
}

function noAccessLists(): Promise<never> {
  throw new PhaseFailure({
    layer: "host",
    code: "shared-directory",
    message: "directories are not shared with gateways on macOS",
    fix: "take sharedDirectories out of the spec: macOS has no read-only mount for one service",
    exit: EXIT.unavailable,
  });
}

const POWERFUL_GROUPS = ["wheel", "admin", "_developer", "_lpadmin"] as const;

export const darwinAccounts: Platform["accounts"] = {
  boot: {
    uids: { first: FIRST_UID, last: LAST_UID },
    // `staff` is every local account's: a user of its own has a group of its own
    privilegedGroups: [...POWERFUL_GROUPS, "com.apple.access_screensharing", "staff"],
    personal: false,
  },
  login: {
    // of the accounts that System Settings makes
    uids: { first: 501, last: 0x7fff_ffff },
    // screen sharing is how somebody logs in where there is no screen
    privilegedGroups: POWERFUL_GROUPS,
    personal: true,
  },
};

export const darwinUsers: Users = {
  find,
  inspect,
  inspectHome,
  foreignAncestor,
  create,
  makeHome,
  // launchd asks nothing of the user for that: whether a job starts, and when, is in its own state
  startsAtBoot: () => Promise.resolve(true),
  keepManager: () => Promise.resolve(),
  stopManager,
  inspectShared,
  may: noAccessLists,
  grantRead: noAccessLists,
  // nothing was granted
  revokeRead: () => Promise.resolve(),
  setShell,
  endSessions,
  purge,
};
