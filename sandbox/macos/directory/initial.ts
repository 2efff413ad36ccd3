import type { Directory, Records } from "./store.ts";

/** Accounts of Apple that every Mac has; a choice of them. Source: id numbers as printed by `dscl . -list` on macOS 15. */
const SYSTEM_USERS: readonly (readonly [name: string, uid: number, gid: number, home: string, real: string])[] = [
  ["root", 0, 0, "/var/root", "System Administrator"],
  ["daemon", 1, 1, "/var/root", "System Services"],
  ["nobody", -2, -2, "/var/empty", "Unprivileged User"],
  ["_uucp", 4, 4, "/var/spool/uucp", "Unix to Unix Copy Protocol"],
  ["_www", 70, 70, "/Library/WebServer", "World Wide Web Server"],
  ["_sshd", 75, 75, "/var/empty", "sshd Privilege separation"],
  ["_mdnsresponder", 65, 65, "/var/empty", "mDNSResponder"],
  ["_spotlight", 89, 89, "/var/empty", "Spotlight"],
  ["_timed", 266, 266, "/var/db/timed", "Time Sync Daemon"],
  // taken from Nix's range in macOS 15 (facts/macos.md 2)
  ["_aonsensed", 300, 300, "/var/db/aonsensed", "Always On Sense Daemon"],
  ["_modelmanagerd", 301, 301, "/var/db/modelmanagerd", "Model Manager"],
  ["_reportsystemmemory", 302, 302, "/var/empty", "ReportSystemMemory"],
  ["_swtransparencyd", 303, 303, "/var/db/swtransparencyd", "Software Transparency Services"],
  ["_naturallanguaged", 304, 304, "/var/db/com.apple.naturallanguaged", "Natural Language Services"],
  ["_oahd", 441, 441, "/var/empty", "OAH Daemon"],
];

const SYSTEM_GROUPS: readonly (readonly [name: string, gid: number, real: string, members: readonly string[]])[] = [
  ["wheel", 0, "System Group", ["root"]],
  ["daemon", 1, "System Services", ["root"]],
  ["sys", 3, "System Group", ["root"]],
  ["tty", 4, "TTY Group", ["root"]],
  ["operator", 5, "Operator", ["root"]],
  ["everyone", 12, "Everyone", []],
  ["staff", 20, "Users", ["root"]],
  ["localaccounts", 61, "Local Accounts", []],
  ["admin", 80, "Administrators", ["root"]],
  ["_sshd", 75, "sshd Privilege separation", []],
  ["nobody", -2, "Unprivileged Group", []],
];

/** A person of the node, as the setup assistant makes them. */
export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly admin: boolean;
}

function uuid(kind: number, id: number): string {
  const suffix = (id < 0 ? id + 2 ** 32 : id).toString(16).toUpperCase().padStart(8, "0");
  return `FFFFEEEE-DDDD-CCCC-BBBB-${kind === 0 ? "AAAA" : "AABB"}${suffix}`;
}

/** The records of a Mac with these people on it. */
export function initialDirectory(people: readonly Person[]): Directory {
  const users: Records = {};
  const groups: Records = {};
  for (const [name, uid, gid, home, real] of SYSTEM_USERS) {
    users[name] = {
      RecordName: [name],
      GeneratedUID: [uuid(0, uid)],
      UniqueID: [String(uid)],
      PrimaryGroupID: [String(gid)],
      NFSHomeDirectory: [home],
      UserShell: [name === "root" ? "/bin/sh" : "/usr/bin/false"],
      RealName: [real],
      Password: ["*"],
    };
    if (!SYSTEM_GROUPS.some((group) => group[1] === gid)) {
      groups[name] = { RecordName: [name], GeneratedUID: [uuid(1, gid)], PrimaryGroupID: [String(gid)], RealName: [real] }; // prettier-ignore
    }
  }
  for (const [name, gid, real, members] of SYSTEM_GROUPS) {
    groups[name] = {
      RecordName: [name],
      GeneratedUID: [uuid(1, gid)],
      PrimaryGroupID: [String(gid)],
      RealName: [real],
      ...(members.length > 0 && { GroupMembership: [...members] }),
    };
  }
  for (const { name, uid, admin } of people) {
    users[name] = {
      RecordName: [name],
      GeneratedUID: [uuid(0, uid)],
      UniqueID: [String(uid)],
      PrimaryGroupID: ["20"],
      NFSHomeDirectory: [`/Users/${name}`],
      // the default of macOS is zsh, which the tree underneath does not have
      UserShell: ["/bin/bash"],
      RealName: [name],
      Password: ["********"],
      AuthenticationAuthority: [";ShadowHash;HASHLIST:<SALTED-SHA512-PBKDF2>", ";SecureToken;"],
    };
    if (admin) groups["admin"]?.["GroupMembership"]?.push(name);
  }
  return { Users: users, Groups: groups };
}
