import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "./errors.ts";
import type { KeyPair } from "./keys.ts";
import { DEBIAN_SYSTEM, layout, type NodeRecord, type NodeSystem } from "./record.ts";
import { USERS } from "./rootfs.ts";
import { run } from "./run.ts";

const COPY_TIMEOUT_MS = 10 * 60_000;

/** How a new node comes by its tree, and what then runs in it. */
export interface Recipe {
  system(base: string): NodeSystem;
  /** Makes the tree of a state directory from the base tree; returns whether it is an overlay that has to be mounted. */
  makeTree(stateDir: string, base: string, identity: NodeIdentity): Promise<boolean>;
}

/** Debian 12 under systemd. */
export const DEBIAN: Recipe = {
  system: () => DEBIAN_SYSTEM,
  async makeTree(stateDir, base, identity) {
    const overlay = await createTree(stateDir, base);
    await personalize(layout(stateDir).tree, identity);
    return overlay;
  },
};

/** What makes a tree this one node and no other. */
export interface NodeIdentity {
  readonly name: string;
  readonly address: string;
  readonly sshPort: number;
  readonly hostKey: KeyPair;
  /** `ssh-ed25519 AAAA…`, let in as every user of the node. */
  readonly clientKey: string;
}

/**
 * Gives the node its tree: an overlay over `base`, or a full copy where overlayfs is not possible (a state directory that
 * is itself on an overlay). Returns whether it is an overlay.
 */
async function createTree(stateDir: string, base: string): Promise<boolean> {
  const { layer, tree } = layout(stateDir);
  await mkdir(tree, { mode: 0o755 });
  await mkdir(layer, { mode: 0o700 });
  // the upper directory gives the node's / its mode: the umask must not narrow it
  for (const name of ["upper", "work"]) {
    await mkdir(join(layer, name));
    await chmod(join(layer, name), 0o755);
  }
  if (await mountOverlay(stateDir, base)) return true;
  await rm(layer, { recursive: true });
  await run("cp", ["--archive", "--reflink=auto", `${base}/.`, tree], { timeoutMs: COPY_TIMEOUT_MS });
  return false;
}

/** Mounts the tree of an existing node again, for instance after the host was restarted. */
export async function mountTree(stateDir: string, record: NodeRecord): Promise<void> {
  if (record.base === undefined || (await isMounted(layout(stateDir).tree))) return;
  if (!(await mountOverlay(stateDir, record.base))) {
    // repeats the refused call for its message
    await run("mount", overlayArguments(stateDir, record.base));
  }
}

export async function unmountTree(stateDir: string): Promise<void> {
  const { tree } = layout(stateDir);
  while (await isMounted(tree)) {
    // busy for a moment while the last processes of the node go: detached then, released by the kernel with the last user
    await run("umount", [tree]).catch(() => run("umount", ["--lazy", tree]));
  }
}

/** Writes identity and access into a tree that has not booted yet. */
async function personalize(tree: string, identity: NodeIdentity): Promise<void> {
  const { name, address, sshPort, hostKey, clientKey } = identity;
  const put = (path: string, content: string, mode = 0o644): Promise<void> =>
    writeFile(join(tree, path), content, { mode });

  await put("etc/hostname", `${name}\n`);
  await put("etc/hosts", `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${name}\n`);
  await put("etc/machine-id", `${randomBytes(16).toString("hex")}\n`, 0o444);
  await put("etc/ssh/ssh_host_ed25519_key", hostKey.privateKey, 0o600);
  await put("etc/ssh/ssh_host_ed25519_key.pub", `${hostKey.publicKey}\n`);
  await put(
    "etc/ssh/sshd_config.d/gatehouse.conf",
    [
      `ListenAddress ${address}:${sshPort}`,
      "HostKey /etc/ssh/ssh_host_ed25519_key",
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UseDNS no",
      // one connection per phase, several phases at once
      "MaxStartups 64",
      "",
    ].join("\n"),
  );
  for (const user of Object.values(USERS)) await authorize(tree, user, clientKey);
}

/** Lets the holder of `clientKey` in as `user` of the tree's /etc/passwd. */
export async function authorize(tree: string, user: string, clientKey: string): Promise<void> {
  const entry = (await readFile(join(tree, "etc/passwd"), "utf8"))
    .split("\n")
    .find((line) => line.startsWith(`${user}:`));
  const [, , uid, gid, , home] = entry?.split(":") ?? [];
  if (uid === undefined || gid === undefined || home === undefined)
    throw new Error(`the base tree has no user ${user}`);
  const directory = join(tree, home, ".ssh");
  const file = join(directory, "authorized_keys");
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  await writeFile(file, `${clientKey}\n`, { mode: 0o600 });
  for (const path of [directory, file]) await chown(path, Number(uid), Number(gid));
}

async function mountOverlay(stateDir: string, base: string): Promise<boolean> {
  // characters with a meaning in the option string of overlayfs
  if (/[:,\\\s]/.test(`${stateDir}${base}`)) return false;
  return run("mount", overlayArguments(stateDir, base)).then(
    () => true,
    () => false,
  );
}

function overlayArguments(stateDir: string, base: string): string[] {
  const { layer, tree } = layout(stateDir);
  // a directory of the base can be renamed only with redirect_dir
  const options = `lowerdir=${base},upperdir=${join(layer, "upper")},workdir=${join(layer, "work")},redirect_dir=on`;
  return ["-t", "overlay", "gatehouse-node", "-o", options, tree];
}

async function isMounted(path: string): Promise<boolean> {
  try {
    const [here, above] = await Promise.all([stat(path), stat(join(path, ".."))]);
    return here.dev !== above.dev;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
