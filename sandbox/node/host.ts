import { constants } from "node:fs";
import { access, mkdir, readFile, rmdir } from "node:fs/promises";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { unifiedHierarchy } from "./cgroup.ts";
import { run, SYSTEM_PATH } from "./run.ts";

/** Program -> the Debian package that brings it. */
const HOST_PROGRAMS = {
  mmdebstrap: "mmdebstrap",
  "systemd-nspawn": "systemd-container",
} as const;
const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

export type Capability = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Whether this machine can run a throw-away node. Changes nothing and installs nothing; takes milliseconds. */
export async function canRunNode(): Promise<Capability> {
  const obstacle = await firstObstacle();
  if (obstacle === undefined) return { ok: true };
  return {
    ok: false,
    reason: `no throw-away node here: ${obstacle}. Use a machine of your own instead: --host user@host`,
  };
}

/** Installs with apt-get what is missing of the programs that build and run a node. */
export async function ensureHostPrograms(progress: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(HOST_PROGRAMS)) if (!(await onPath(program))) missing.push(name);
  if (!(await exists(DEBIAN_KEYRING))) missing.push("debian-archive-keyring");
  if (missing.length === 0) return;
  progress(`installing ${missing.join(", ")} with apt-get`);
  await run("apt-get", ["update", "-q"], { timeoutMs: 300_000 });
  await run("apt-get", ["install", "-qy", "--no-install-recommends", ...missing], { timeoutMs: 600_000 });
}

async function firstObstacle(): Promise<string | undefined> {
  if (platform() !== "linux") return "it needs Linux";
  if (arch() !== "x64" && arch() !== "arm64") return `there is no recipe for the processor ${arch()}`;
  if (process.getuid?.() !== 0) return "it needs root";
  if (!(await onPath("apt-get"))) return "it needs Debian or Ubuntu (apt-get)";
  const cgroups = await unifiedHierarchy();
  if (cgroups === undefined) return "no writable cgroup v2 hierarchy is mounted";
  if (!(await canCreateGroup(cgroups))) return `no group can be created under ${cgroups}`;
  // the same namespaces and mounts that the node needs, tried on nothing
  const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--mount-proc"];
  const works = await run("unshare", [...namespaces, "mount", "-t", "tmpfs", "none", "/mnt"]).then(
    () => true,
    () => false,
  );
  return works ? undefined : "namespaces or mounts are not allowed (a container without --privileged?)";
}

async function canCreateGroup(hierarchy: string): Promise<boolean> {
  const probe = join(hierarchy, `gatehouse-probe-${process.pid}`);
  try {
    await mkdir(probe);
    await rmdir(probe);
    return await exists(join(hierarchy, "cgroup.procs"));
  } catch {
    return false;
  }
}

/** `ID` of os-release(5): `debian`, `ubuntu`, … */
export async function distribution(): Promise<string> {
  const text = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^ID="?([^"\n]*)/m.exec(text)?.[1] ?? "unknown";
}

async function onPath(program: string): Promise<boolean> {
  for (const directory of SYSTEM_PATH.split(":")) {
    if (await exists(join(directory, program), constants.X_OK)) return true;
  }
  return false;
}

function exists(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
