import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { arch, homedir } from "node:os";
import { join } from "node:path";
import { aptProxy, aptSources } from "./apt-sources.ts";
import { extraAuthorities } from "./authorities.ts";
import { errorCode } from "./errors.ts";
import { syncDirectory } from "./files.ts";
import { ensureHostPrograms } from "./host.ts";
import { identify } from "./process-identity.ts";
import { run } from "./run.ts";

const SUITE = "bookworm";
/** Raise when a step below changes: it is part of the tree's name. */
const RECIPE = 1;
const PACKAGES = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "dbus-user-session",
  "libpam-systemd",
  "openssh-server",
  "ca-certificates",
  "sudo",
  "curl",
  "xz-utils",
  "iproute2",
  "procps",
  "acl",
];
const BUILD_TIMEOUT_MS = 15 * 60_000;
const STAGING = /^\.staging-[0-9a-f]+-(\d+)-(\d+)-[0-9a-f]+$/;

/** People of the node: `ops` may become root without a password, `nosudo` may not become anybody. */
export const USERS = { root: "root", operator: "ops", unprivileged: "nosudo" } as const;
export type NodeUser = (typeof USERS)[keyof typeof USERS];

/**
 * The tree every node starts from: Debian 12 with systemd and sshd, built once by mmdebstrap (about 20 s, 240 MB) and kept
 * under `$XDG_CACHE_HOME/gatehouse/rootfs/HASH`, where HASH covers the package list, the recipe and the extra authorities.
 * Never changed once published; returns its path.
 * @throws {HostCommandFailed} when apt-get, mmdebstrap or a step in the new tree fails.
 */
export async function ensureRootfs(progress: (line: string) => void): Promise<string> {
  const authorities = await extraAuthorities(process.env);
  const key = hashOf([SUITE, RECIPE, arch(), PACKAGES, authorities]);
  return await ensureTree(key, async (staging) => {
    await ensureHostPrograms(progress);
    progress(`building the base system of the test node (Debian ${SUITE}, once)`);
    await build(staging, authorities);
  });
}

/**
 * The base system with more in it, made once for each `contents` and kept beside it. Shares the base system's files: `fill`
 * may add and replace files of the tree that it is given, and change none in place.
 */
export async function ensureFilledRootfs(
  contents: unknown,
  progress: (line: string) => void,
  fill: (tree: string) => Promise<void>,
): Promise<string> {
  const base = await ensureRootfs(progress);
  return await ensureTree(hashOf([base, contents]), async (staging) => {
    await run("cp", ["--archive", "--link", base, staging], { timeoutMs: BUILD_TIMEOUT_MS });
    await fill(staging);
  });
}

function hashOf(contents: unknown): string {
  return createHash("sha256").update(JSON.stringify(contents)).digest("hex").slice(0, 16);
}

/** The published tree of this key; `make` is given the path at which it makes what is not there yet. */
async function ensureTree(key: string, make: (staging: string) => Promise<void>): Promise<string> {
  const parent = join(cacheHome(), "gatehouse", "rootfs");
  const target = join(parent, key);
  await mkdir(parent, { recursive: true, mode: 0o755 });
  await removeAbandoned(parent);
  if (await isDirectory(target)) return target;
  const self = await identify(process.pid);
  const staging = join(
    parent,
    `.staging-${key}-${process.pid}-${self?.startTime ?? "0"}-${randomBytes(4).toString("hex")}`,
  );
  try {
    await make(staging);
    await run("sync", ["--file-system", staging], { timeoutMs: BUILD_TIMEOUT_MS });
    await publish(staging, target);
    await syncDirectory(parent);
  } finally {
    await removeTree(staging);
  }
  return target;
}

async function build(tree: string, authorities: readonly string[]): Promise<void> {
  await run("mmdebstrap", ["--quiet", "--variant=minbase", `--include=${PACKAGES.join(",")}`, SUITE, tree, "-"], {
    stdin: await aptSources(SUITE),
    env: await aptProxy(),
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  await chmod(tree, 0o755);
  const inTree = (...command: string[]): Promise<string> => run("chroot", [tree, ...command]);

  for (const [index, pem] of authorities.entries()) {
    await writeFile(join(tree, `usr/local/share/ca-certificates/host-${index}.crt`), `${pem}\n`, { mode: 0o644 });
  }
  if (authorities.length > 0) await inTree("update-ca-certificates");

  for (const user of [USERS.operator, USERS.unprivileged]) {
    await inTree("useradd", "--create-home", "--shell", "/bin/bash", user);
  }
  await writeFile(join(tree, "etc/sudoers.d/ops"), `${USERS.operator} ALL=(ALL:ALL) NOPASSWD: ALL\n`, { mode: 0o440 });

  // each node gets its own
  for (const name of await readdir(join(tree, "etc/ssh"))) {
    if (name.startsWith("ssh_host_")) await rm(join(tree, "etc/ssh", name));
  }
  await writeFile(join(tree, "etc/machine-id"), "");
  // no terminal to log in on, and no package runs of the node's own that would hold dpkg's lock
  await inTree(
    ...["systemctl", "mask", "console-getty.service", "getty.target"],
    ...["apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "fstrim.timer"],
  );
  await writeFile(join(tree, "etc/default/locale"), "LANG=C.UTF-8\n");
}

/** A concurrent winner is kept: its tree has the same content. */
async function publish(staging: string, target: string): Promise<void> {
  await rename(staging, target).catch((error: unknown) => {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error) ?? "")) throw error;
  });
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid, startTime] = STAGING.exec(name) ?? [];
    if (pid === undefined) continue;
    if ((await identify(Number(pid)))?.startTime === startTime) continue;
    await removeTree(join(parent, name));
  }
}

/** A builder that was killed may have left /proc and the like mounted in the tree; removing through those would reach the host. */
async function removeTree(tree: string): Promise<void> {
  const mounts = (await readFile("/proc/self/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${tree}/`));
  for (const path of mounts.reverse()) await run("umount", ["--lazy", path]);
  await rm(tree, { recursive: true, force: true });
}

function cacheHome(): string {
  const base = process.env["XDG_CACHE_HOME"];
  return base?.startsWith("/") === true ? base : join(homedir(), ".cache");
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}
