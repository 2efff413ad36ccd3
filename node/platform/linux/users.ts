import { access, lstat, readFile, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../../protocol.ts";
import { describeEnd, exec } from "../../lib/exec.ts";
import type { ExecResult } from "../../lib/exec.ts";
import { PhaseFailure, errnoOf } from "../../lib/failure.ts";
import type { OsUser, UserFacts, Users } from "../index.ts";
import { foreignAncestor, inspectHome, inspectShared, makeHome } from "../posix-directories.ts";

/** A user of its own needs no shell; `su -s /bin/sh` and `runuser` still work for root. */
const NO_LOGIN_SHELLS = ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false"] as const;
const BUS_WAIT_SECONDS = 30;
/** A large tree on a slow disk. */
const ACL_SECONDS = 120;

async function run(argv: readonly [string, ...string[]], timeoutSeconds = 30): Promise<ExecResult> {
  try {
    return await exec(argv, { timeoutSeconds });
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new PhaseFailure({
      layer: "host",
      code: "tool-missing",
      message: `${argv[0]} is not installed on the node`,
      fix: "install it (Debian: passwd, libc-bin, systemd with libpam-systemd and dbus-user-session; acl for shared directories), then run the same command again",
      exit: EXIT.unavailable,
    });
  }
}

/** Runs a command that has to succeed; the failure carries its last line of stderr. */
async function must(argv: readonly [string, ...string[]], timeoutSeconds = 30): Promise<ExecResult> {
  const result = await run(argv, timeoutSeconds);
  if (result.status === 0) return result;
  const detail = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new PhaseFailure({
    layer: "host",
    code: "user-setup",
    message: `\`${argv.join(" ")}\` failed (${describeEnd(result)})${detail === "" ? "" : `: ${detail}`}`,
    fix: "run that command on the node as root and follow its message",
    exit: EXIT.os,
  });
}

async function find(name: string): Promise<OsUser | undefined> {
  const result = await run(["getent", "passwd", name]);
  if (result.status !== 0) return undefined;
  const [login = "", , uid = "", gid = "", , home = "", shell = ""] = result.stdout.trim().split(":");
  return { name: login, uid: Number(uid), gid: Number(gid), home, shell };
}

async function inspect(name: string): Promise<UserFacts | undefined> {
  const user = await find(name);
  if (user === undefined) return undefined;
  const [groups, shadow] = await Promise.all([must(["id", "-Gn", name]), run(["getent", "shadow", name])]);
  const password = shadow.stdout.trim().split(":")[1];
  // `!` and `*` lock the password; an empty field means: no password asked.
  const hasPassword = password !== undefined && !/^[!*]/.test(password);
  return { ...user, groups: groups.stdout.trim().split(/\s+/), hasPassword };
}

async function noLoginShell(): Promise<string> {
  for (const shell of NO_LOGIN_SHELLS) {
    const found = await access(shell).then(
      () => true,
      () => false,
    );
    if (found) return shell;
  }
  return NO_LOGIN_SHELLS[0];
}

async function create(name: string, home: string, comment: string): Promise<OsUser> {
  const shell = await noLoginShell();
  await must([
    "useradd",
    "--no-create-home",
    "--home-dir",
    home,
    "--user-group",
    "--shell",
    shell,
    "--comment",
    comment,
    name,
  ]);
  const user = await find(name);
  if (user === undefined) throw new Error(`useradd succeeded, but ${name} cannot be found`);
  return user;
}

function busAnswers(uid: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(`/run/user/${uid}/bus`);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => {
      done(true);
    });
    socket.on("error", () => {
      done(false);
    });
  });
}

/** Links are no answer: whoever lingers has a plain file of root's. */
async function startsAtBoot(name: string): Promise<boolean | null> {
  try {
    return (await lstat(join("/var/lib/systemd/linger", name))).isFile();
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? false : null;
  }
}

async function keepManager(user: OsUser, progress: (message: string) => void): Promise<void> {
  if ((await startsAtBoot(user.name)) !== true) {
    progress(`enabling linger for ${user.name}`);
    await must(["loginctl", "enable-linger", user.name]);
  }
  if (await busAnswers(user.uid)) return;
  // Returns once the manager has reached its default target, or says why it cannot.
  await must(["systemctl", "start", `user@${user.uid}.service`], 60);
  const deadline = Date.now() + BUS_WAIT_SECONDS * 1000;
  while (!(await busAnswers(user.uid))) {
    if (Date.now() > deadline) {
      throw new PhaseFailure({
        layer: "host",
        code: "user-manager",
        message: `the service manager of ${user.name} runs, but its bus /run/user/${user.uid}/bus did not answer within ${BUS_WAIT_SECONDS} s`,
        fix:
          "install dbus-user-session on the node (Debian, Ubuntu), or look at `journalctl -u user@" +
          String(user.uid) +
          "`",
        exit: EXIT.unavailable,
      });
    }
    await sleep(100);
  }
}

async function processesOf(uid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const status = await readFile(join("/proc", name, "status"), "utf8").catch(() => "");
    if (/^State:\s+Z/m.test(status)) continue;
    if (new RegExp(`^Uid:\\s+(?:[0-9]+\\s+)*${uid}\\b`, "m").test(status)) found.push(Number(name));
  }
  return found;
}

async function stopManager(user: OsUser): Promise<void> {
  if ((await startsAtBoot(user.name)) !== false) await must(["loginctl", "disable-linger", user.name]);
  await must(["systemctl", "stop", `user@${user.uid}.service`], 120);
  for (let attempt = 0; attempt < 50; attempt++) {
    const left = await processesOf(user.uid);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, attempt < 10 ? "SIGTERM" : "SIGKILL");
      } catch (error) {
        if (errnoOf(error) !== "ESRCH") throw error;
      }
    }
    await sleep(100);
  }
  throw new PhaseFailure({
    layer: "host",
    code: "processes-left",
    message: `processes of ${user.name} do not end`,
    fix: `look at \`ps -u ${user.name}\` on the node`,
    exit: EXIT.os,
  });
}

async function may(user: OsUser, access: "read" | "write", path: string): Promise<boolean> {
  const test = access === "read" ? ["test", "-r", path, "-a", "-x", path] : ["test", "-w", path];
  return (await run(["runuser", "-u", user.name, "--", ...test])).status === 0;
}

async function grantRead(user: OsUser, path: string): Promise<void> {
  const entry = `u:${user.name}:rX`;
  // the default list is for what comes later; -P: links out of the directory stay what they are
  await must(["setfacl", "-R", "-P", "-m", entry, path], ACL_SECONDS);
  await must(["setfacl", "-R", "-P", "-d", "-m", entry, path], ACL_SECONDS);
}

async function revokeRead(user: OsUser, path: string): Promise<void> {
  if ((await inspectShared(path)) === undefined) return;
  const entry = `u:${user.name}`;
  await must(["setfacl", "-R", "-P", "-x", entry, path], ACL_SECONDS);
  await must(["setfacl", "-R", "-P", "-d", "-x", entry, path], ACL_SECONDS);
}

async function setShell(user: OsUser, use: "none" | "commands"): Promise<void> {
  const shell = use === "commands" ? "/bin/sh" : await noLoginShell();
  if ((await find(user.name))?.shell !== shell) await must(["usermod", "--shell", shell, user.name]);
}

async function endSessions(user: OsUser): Promise<number> {
  let ended = 0;
  for (const pid of await processesOf(user.uid)) {
    // the half of sshd that runs as the user; its child, a forced command, ends with the connection
    const command = await readFile(join("/proc", String(pid), "comm"), "utf8").catch(() => "");
    if (!/^sshd(?:-session)?$/.test(command.trim())) continue;
    try {
      process.kill(pid, "SIGTERM");
      ended += 1;
    } catch (error) {
      if (errnoOf(error) !== "ESRCH") throw error;
    }
  }
  return ended;
}

async function purge(user: OsUser): Promise<void> {
  await rm(user.home, { recursive: true, force: true });
  await must(["userdel", user.name]);
}

export const linuxUsers: Users = {
  startsAtBoot,
  find,
  inspect,
  inspectHome,
  foreignAncestor,
  create,
  makeHome,
  keepManager,
  stopManager,
  inspectShared,
  may,
  grantRead,
  revokeRead,
  setShell,
  endSessions,
  purge,
};
