import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createGroup, isPopulated, killGroup, removeGroup } from "./cgroup.ts";
import { NodeError, NodeTimeout } from "./errors.ts";
import { identify, isAlive, signal, type ProcessIdentity } from "./process-identity.ts";
import { layout, type NodeRecord } from "./record.ts";
import { SYSTEM_PATH } from "./run.ts";
import { waitFor } from "./wait.ts";

const SUPERVISOR = join(import.meta.dirname, "supervise.sh");
const POWER_OFF_TIMEOUT_MS = 30_000;
const KILL_TIMEOUT_MS = 10_000;

/** Boots the node's tree in the background; it outlives this process. */
export async function launch(stateDir: string, record: NodeRecord): Promise<ProcessIdentity> {
  const { tree, console } = layout(stateDir);
  await createGroup(record.cgroup);
  const log = openSync(console, "a", 0o600);
  try {
    const child = spawn(
      "/bin/sh",
      [
        ...[SUPERVISOR, record.cgroup],
        ...["systemd-nspawn", "--quiet", "--directory", tree, "--machine", record.name],
        ...["--register=no", "--keep-unit", "--console=pipe", "--link-journal=no"],
        ...record.system.nspawn,
      ],
      { detached: true, stdio: ["ignore", log, log], cwd: "/", env: nspawnEnvironment() },
    );
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => {
        resolve(child.pid ?? 0);
      });
    });
    child.unref();
    const identity = await identify(pid);
    if (identity === undefined) throw new NodeError(`${record.name} ended at once`, `read ${console}`);
    return identity;
  } finally {
    closeSync(log);
  }
}

/** Whether any process of the node is left, also when its supervisor was killed. */
export async function isRunning(record: NodeRecord): Promise<boolean> {
  if (record.supervisor !== undefined && (await isAlive(record.supervisor))) return true;
  return isPopulated(record.cgroup);
}

/**
 * Powers the node off (SIGTERM, 30 s), then kills what is left. No error when nothing runs.
 * @throws {NodeTimeout} when processes survive SIGKILL for 10 s.
 */
export async function shutDown(stateDir: string, record: NodeRecord): Promise<void> {
  const { supervisor } = record;
  if (supervisor !== undefined && (await signal(supervisor, "SIGTERM"))) {
    await gone(async () => isAlive(supervisor), POWER_OFF_TIMEOUT_MS);
    await signal(supervisor, "SIGKILL");
  }
  await killGroup(record.cgroup);
  if (!(await gone(async () => isPopulated(record.cgroup), KILL_TIMEOUT_MS))) {
    throw new NodeTimeout(`stopping ${record.name}`, KILL_TIMEOUT_MS, layout(stateDir).console);
  }
  await removeGroup(record.cgroup);
}

async function gone(present: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const answer = await waitFor(async () => ((await present()) ? undefined : true), { timeoutMs, everyMs: 50 });
  return answer === true;
}

/** Nothing of the caller's environment reaches the node. */
function nspawnEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: SYSTEM_PATH,
    LANG: "C.UTF-8",
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
    // /tmp stays on disk as on a real Debian 12; nspawn's own tmpfs holds only a tenth of the memory
    SYSTEMD_NSPAWN_TMPFS_TMP: "0",
  };
}
