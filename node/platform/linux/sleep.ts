import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../../lib/atomic.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import type { NodePaths } from "../../lib/paths.ts";
import type { AlwaysOnObjection } from "../index.ts";

/** systemd reads it at every request to sleep, so that nothing has to be reloaded (systemd-sleep.conf(5)). */
const CONFIG = `# Gatehouse: this machine runs gateways that have to answer at any time.
[Sleep]
AllowSuspend=no
AllowHibernation=no
AllowSuspendThenHibernate=no
AllowHybridSleep=no
`;

export async function sleepObjections({ sleepConfig }: NodePaths): Promise<readonly AlwaysOnObjection[]> {
  const found = await readTextOrNull(sleepConfig);
  if (found === CONFIG) return [];
  const detail = found === null ? "is missing: the machine may go to sleep" : "was edited";
  return [{ about: "sleep", what: sleepConfig, detail }];
}

/** Keeps the machine from sleeping, whatever its desktop, its lid or its idle time asks for. */
export async function preventSleep(paths: NodePaths): Promise<void> {
  if ((await sleepObjections(paths)).length === 0) return;
  await ensureDirectory(dirname(paths.sleepConfig), { mode: 0o755 });
  await writeFileAtomic(paths.sleepConfig, CONFIG, { mode: 0o644 });
}

/** Leaves it to the machine's own configuration again. */
export async function allowSleep({ sleepConfig }: NodePaths): Promise<void> {
  await rm(sleepConfig, { force: true });
}
