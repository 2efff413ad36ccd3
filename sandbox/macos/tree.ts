import { randomUUID } from "node:crypto";
import { chmod, chown, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { authorize, type NodeIdentity, type Recipe } from "../node/tree.ts";
import { layout } from "../node/record.ts";
import { USERS } from "../node/rootfs.ts";
import { bundleDarwin, bundlePrograms } from "./bundle.ts";
import { initialDirectory, type Person } from "./directory/initial.ts";
import { writeDirectory } from "./directory/store.ts";
import { etcFiles, sshJob, SSH_LABEL } from "./etc.ts";
import { PATHS, STAND_IN } from "./paths.ts";
import { writePropertyList } from "./property-list.ts";
import { programEntries } from "./view.ts";

const PEOPLE: readonly Person[] = [
  { name: USERS.operator, uid: 501, admin: true },
  { name: USERS.unprivileged, uid: 502, admin: false },
];
const STAFF = 20;

/** Folders of a Mac, and those the container needs. `/` of a Mac is sealed; here it is not. */
const FOLDERS = [
  ...["bin", "sbin", "usr/bin", "usr/sbin", "usr/libexec", "usr/local/bin", "opt", "Applications", "Volumes", "cores"],
  ...["Library/LaunchDaemons", "Library/LaunchAgents", "Library/Logs", "Library/Preferences", "Users/Shared"],
  ...[
    "System/Library/LaunchDaemons",
    "System/Library/CoreServices",
    "private/etc/newsyslog.d",
    "private/etc/ssh/sshd_config.d",
  ],
  ...["private/etc/sudoers.d", "private/etc/pam.d", "private/var/log", "private/var/run", "private/var/empty"],
  ...[
    "private/var/db/com.apple.xpc.launchd",
    "private/var/root",
    "private/var/folders",
    "private/var/tmp",
    "private/tmp",
  ],
  ...["dev", "proc", "sys", "run", "root", `.${STAND_IN}/run`, `.${PATHS.state}`, `.${PATHS.linux}`],
];
const WORLD_WRITABLE = ["private/tmp", "private/var/tmp", "Users/Shared"];
const LINKS: Readonly<Record<string, string>> = {
  etc: "private/etc",
  var: "private/var",
  tmp: "private/tmp",
  // the loader and the libraries of the Debian programs
  lib: `.${PATHS.linux}/lib`,
  lib64: `.${PATHS.linux}/lib64`,
  "usr/lib": `..${PATHS.linux}/lib`,
  "usr/share": `..${PATHS.linux}/share`,
  "usr/libexec/sudo": `../..${PATHS.linux}/libexec/sudo`,
  "usr/libexec/sftp-server": `../..${PATHS.linux}/lib/openssh/sftp-server`,
};
/** Configuration of the Debian programs that is taken over. */
const COPIED = ["ssl", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "security", "sudo.conf", "host.conf", "gai.conf", "localtime"]; // prettier-ignore

/** A tree laid out as macOS, run by a stand-in for launchd instead of systemd. */
export const MACOS_STAND_IN: Recipe = {
  system: (base) => ({
    nspawn: [
      // a small process 1 in front reaps what nobody waits for
      ...["--as-pid2", "--kill-signal=SIGRTMIN+3", "--resolv-conf=off", "--timezone=off"],
      ...[`--bind-ro=${base}/usr:${PATHS.linux}`, `--bind-ro=${process.execPath}:${PATHS.node}`],
      ...[PATHS.node, PATHS.programs, "launchd"],
    ],
    ready: "launchctl print system >/dev/null && echo running",
    failures: "launchctl list",
    reboot: "/sbin/shutdown -r now",
    machineId: { path: PATHS.machineId, form: "uuid" },
  }),
  async makeTree(stateDir, base, identity) {
    const { tree } = layout(stateDir);
    await mkdir(tree, { mode: 0o755 });
    await chmod(tree, 0o755);
    await makeFolders(tree);
    await installPrograms(tree);
    await writeEtc(tree, base, identity);
    writeDirectory(initialDirectory(PEOPLE), tree);
    await makeHomes(tree, identity);
    return false;
  },
};

async function put(path: string, content: string | Buffer, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, content, { mode });
  // the umask of the host must not narrow it
  await chmod(path, mode);
}

async function makeFolders(tree: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(tree, folder), { recursive: true, mode: 0o755 });
  for (const folder of WORLD_WRITABLE) await chmod(join(tree, folder), 0o1777);
  for (const [name, target] of Object.entries(LINKS)) await symlink(target, join(tree, name));
  await chmod(join(tree, "private/var/root"), 0o750);
}

async function installPrograms(tree: string): Promise<void> {
  await put(join(tree, PATHS.programs), bundlePrograms(), 0o644);
  await put(join(tree, PATHS.xpcproxy), await readFile(new URL("launchd/xpcproxy.sh", import.meta.url)), 0o755);
  await put(join(tree, PATHS.darwin), bundleDarwin(), 0o644);
  for (const entry of programEntries()) {
    if ("link" in entry) await symlink(entry.link, join(tree, entry.path));
    else await put(join(tree, entry.path), `${entry.script}\n`, 0o755);
  }
}

async function writeEtc(tree: string, base: string, identity: NodeIdentity): Promise<void> {
  const { name, address, sshPort, hostKey } = identity;
  const etc = join(tree, "private/etc");
  for (const entry of COPIED) await cp(join(base, "etc", entry), join(etc, entry), { recursive: true, verbatimSymlinks: true }); // prettier-ignore
  await cp("/etc/resolv.conf", join(etc, "resolv.conf"), { dereference: true });
  await put(join(etc, "ssl/cert.pem"), await readFile(join(base, "etc/ssl/certs/ca-certificates.crt")), 0o644);
  for (const [path, { content, mode }] of Object.entries(etcFiles(name, address, sshPort))) {
    await put(join(etc, path), content, mode);
  }
  await put(join(etc, "ssh/ssh_host_ed25519_key"), hostKey.privateKey, 0o600);
  await put(join(etc, "ssh/ssh_host_ed25519_key.pub"), `${hostKey.publicKey}\n`, 0o644);
  await put(join(tree, "System/Library/LaunchDaemons/ssh.plist"), sshJob(), 0o644);
  await put(join(tree, PATHS.overrides), writePropertyList({ [SSH_LABEL]: false }, "xml1"), 0o644);
  await put(join(tree, PATHS.machineId), `${randomUUID().toUpperCase()}\n`, 0o444);
}

async function makeHomes(tree: string, { clientKey }: NodeIdentity): Promise<void> {
  for (const { name, uid } of PEOPLE) {
    const home = join(tree, "Users", name);
    await mkdir(home, { mode: 0o750 });
    await chown(home, uid, STAFF);
  }
  for (const user of Object.values(USERS)) await authorize(tree, user, clientKey);
}
