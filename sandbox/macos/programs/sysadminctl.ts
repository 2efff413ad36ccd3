import { chownSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { findUser } from "../directory/accounts.ts";
import { changeDirectory, readDirectory } from "../directory/store.ts";
import { failed, isRoot, printed, type Output } from "./output.ts";

/** macOS 26 takes no other number for a role account (facts/macos.md 2). */
const ROLE_RANGE = { from: 450, to: 499 } as const;

/** It talks on stderr with a time in front, and exits 0 whatever happens (nix-darwin's `modules/users`). */
function said(text: string): Output {
  const time = new Date().toISOString().replace("T", " ").replace("Z", "");
  return { code: 0, stdout: "", stderr: `${time} sysadminctl[${process.pid}:${process.pid}] ${text}\n` };
}

function valueOf(argv: readonly string[], option: string): string | undefined {
  const index = argv.indexOf(option);
  return index < 0 ? undefined : argv[index + 1];
}

function addUser(argv: readonly string[]): Output {
  const name = valueOf(argv, "-addUser") ?? "";
  const uid = Number(valueOf(argv, "-UID") ?? Number.NaN);
  const isRole = argv.includes("-roleAccount");
  if (readDirectory()["Users"]?.[name] !== undefined) return said(`User ${name} already exists`);
  if (isRole && !name.startsWith("_")) return said("Role account requires name starting with '_'");
  if (isRole && !(uid >= ROLE_RANGE.from && uid <= ROLE_RANGE.to)) {
    return said(`Role account requires specified UID in ${ROLE_RANGE.from}-${ROLE_RANGE.to} range`);
  }
  const home = valueOf(argv, "-home");
  const number = Number.isNaN(uid) ? 503 : uid;
  const gid = valueOf(argv, "-GID") ?? (isRole ? "-2" : "20");
  changeDirectory((directory) => {
    (directory["Users"] ??= {})[name] = {
      RecordName: [name],
      GeneratedUID: [randomUUID().toUpperCase()],
      UniqueID: [String(number)],
      PrimaryGroupID: [gid],
      NFSHomeDirectory: [home ?? (isRole ? "/var/empty" : `/Users/${name}`)],
      UserShell: [valueOf(argv, "-shell") ?? (isRole ? "/usr/bin/false" : "/bin/zsh")],
      RealName: [valueOf(argv, "-fullName") ?? name],
      Password: [isRole ? "*" : "********"],
      ...(isRole && { IsHidden: ["1"] }),
      // a person's account with a password may be the first to get a Secure Token
      ...(!isRole && { AuthenticationAuthority: [";ShadowHash;HASHLIST:<SALTED-SHA512-PBKDF2>", ";SecureToken;"] }),
    };
  });
  if (home !== undefined && !existsSync(home)) {
    mkdirSync(home, { mode: 0o755 });
    const account = findUser(name);
    if (account !== undefined) chownSync(home, account.uid, account.gid);
  }
  return said(`Creating user record…`);
}

function deleteUser(argv: readonly string[]): Output {
  const name = valueOf(argv, "-deleteUser") ?? "";
  const account = findUser(name);
  if (account === undefined) return said(`User ${name} does not exist`);
  changeDirectory((directory) => Reflect.deleteProperty(directory["Users"] ?? {}, name));
  if (!argv.includes("-keepHome") && account.home.startsWith("/Users/"))
    rmSync(account.home, { recursive: true, force: true });
  return said("Killing all processes for UID");
}

/** Stand-in for sysadminctl: adding and deleting users, and the questions about them. Source: facts/macos.md 2. */
export function sysadminctl(argv: readonly string[]): Output {
  if (argv.includes("-secureTokenStatus")) {
    const name = valueOf(argv, "-secureTokenStatus") ?? "";
    const has = readDirectory()["Users"]?.[name]?.["AuthenticationAuthority"]?.includes(";SecureToken;") === true;
    return said(`Secure token is ${has ? "ENABLED" : "DISABLED"} for user ${name}`);
  }
  if (argv.includes("-autologin")) return said("Automatic login is off.");
  if (argv.includes("-screenLock")) return said("screenLock is off");
  const changes = argv.includes("-addUser") || argv.includes("-deleteUser");
  if (changes && !isRoot()) return said("sysadminctl: Operation not permitted: requires root");
  if (argv.includes("-addUser")) return addUser(argv);
  if (argv.includes("-deleteUser")) return deleteUser(argv);
  return argv.length === 0 ? failed(64, "Usage: sysadminctl\n") : printed();
}
