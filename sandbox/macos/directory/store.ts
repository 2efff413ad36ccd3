import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "../paths.ts";
import { replaceFile } from "../replace-file.ts";

/** Attribute -> values; names without `dsAttrTypeStandard:`. */
export type Attributes = Record<string, string[]>;
/** Record name -> attributes. */
export type Records = Record<string, Attributes>;
/** `Users`, `Groups` -> records. */
export type Directory = Record<string, Records>;

const LOCK = `${PATHS.directory}.lock`;
const LOCK_TIMEOUT_MS = 10_000;

/** Records of the local node. */
export function readDirectory(): Directory {
  return existsSync(PATHS.directory) ? (JSON.parse(readFileSync(PATHS.directory, "utf8")) as Directory) : {};
}

/**
 * Changes the records under a lock: opendirectoryd takes one change after the other.
 * @throws what `change` throws; then nothing was changed.
 */
export function changeDirectory<T>(change: (directory: Directory) => T): T {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  try {
    const directory = readDirectory();
    const result = change(directory);
    writeDirectory(directory, "/");
    return result;
  } finally {
    rmdirSync(LOCK);
  }
}

/**
 * Writes the records of the tree at `root`, and their copy in /etc/passwd, /etc/group and /etc/shadow: libc underneath is
 * Linux's and asks there, for ls, id, sshd, sudo and setuid. A real Mac asks opendirectoryd, and its /etc/passwd holds
 * only what single-user mode needs.
 */
export function writeDirectory(directory: Directory, root: string): void {
  replaceFile(join(root, PATHS.directory), `${JSON.stringify(directory, null, 1)}\n`, 0o644);
  replaceFile(join(root, PATHS.etc, "passwd"), passwd(directory), 0o644);
  replaceFile(join(root, PATHS.etc, "group"), group(directory), 0o644);
  replaceFile(join(root, PATHS.etc, "shadow"), shadow(directory), 0o600);
}

/** Id of `nobody` on macOS; Linux has no negative ids. */
export function linuxId(id: string | undefined): number | undefined {
  if (id === undefined || !/^-?\d+$/.test(id)) return undefined;
  return Number(id) < 0 ? 65_536 + Number(id) : Number(id);
}

/** Users as libc can have them: with a number, under a name that fits a line. */
function accounts(directory: Directory): [name: string, attributes: Attributes, uid: number][] {
  return Object.entries(directory["Users"] ?? {}).flatMap(([name, attributes]) => {
    const uid = linuxId(attributes["UniqueID"]?.[0]);
    if (uid === undefined || /[:\n]/.test(name)) return [];
    const account: [string, Attributes, number] = [name, attributes, uid];
    return [account];
  });
}

function passwd(directory: Directory): string {
  const lines = accounts(directory).map(([name, attributes, uid]) => {
    const gid = linuxId(attributes["PrimaryGroupID"]?.[0]) ?? linuxId("-2");
    const [real, home, shell] = ["RealName", "NFSHomeDirectory", "UserShell"].map((key) => (attributes[key]?.[0] ?? "").replaceAll(/[:\n]/g, " ")); // prettier-ignore
    return `${name}:x:${uid}:${gid ?? ""}:${real ?? ""}:${home || "/var/empty"}:${shell || "/usr/bin/false"}\n`;
  });
  // OpenSSH of Debian has this name compiled in
  return `${lines.join("")}sshd:x:75:75::/var/empty:/usr/bin/false\n`;
}

function group(directory: Directory): string {
  const everybody = accounts(directory).map(([name]) => name);
  const lines = Object.entries(directory["Groups"] ?? {}).flatMap(([name, attributes]) => {
    const gid = linuxId(attributes["PrimaryGroupID"]?.[0]);
    if (gid === undefined || /[:\n]/.test(name)) return [];
    // computed by opendirectoryd on a Mac: every account is in these (facts/macos.md 2)
    const implicit = name === "everyone" || name === "localaccounts" ? everybody : [];
    const members = new Set([...(attributes["GroupMembership"] ?? []), ...implicit]);
    return [`${name}:x:${gid}:${[...members].join(",")}\n`];
  });
  return lines.join("");
}

function shadow(directory: Directory): string {
  return accounts(directory).map(([name]) => `${name}:*:19000:0:99999:7:::\n`).join(""); // prettier-ignore
}
