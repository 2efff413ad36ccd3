import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { readTextOrNull } from "../lib/json-file.ts";

/** systemd reads it at every request to sleep, so that nothing has to be reloaded (systemd-sleep.conf(5)). */
const CONFIG = `# Gatehouse: this machine runs gateways that have to answer at any time.
[Sleep]
AllowSuspend=no
AllowHibernation=no
AllowSuspendThenHibernate=no
AllowHybridSleep=no
`;

export async function isSleepPrevented(path: string): Promise<boolean> {
  return (await readTextOrNull(path)) === CONFIG;
}

/** Keeps the machine from sleeping, whatever its desktop, its lid or its idle time asks for. */
export async function preventSleep(path: string): Promise<void> {
  if (await isSleepPrevented(path)) return;
  await ensureDirectory(dirname(path), { mode: 0o755 });
  await writeFileAtomic(path, CONFIG, { mode: 0o644 });
}

/** Leaves it to the machine's own configuration again. */
export async function allowSleep(path: string): Promise<void> {
  await rm(path, { force: true });
}
