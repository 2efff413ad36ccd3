import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Progress } from "./events.ts";

/** What the engine's file backend writes into a lock (pkg/backend/diy/lock.go). */
const lockFile = z.object({ pid: z.int(), hostname: z.string() });

/**
 * Removes the locks that an engine left which was killed on this machine: its process is gone, so that nobody will
 * remove them. Locks of other machines and of living processes stay, and the engine reports them.
 */
export async function removeStaleLocks(backend: string, project: string, stack: string, note: Progress): Promise<void> {
  const directory = join(backend, ".pulumi", "locks", "organization", project, stack);
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const parsed = lockFile.safeParse(parse(await readFile(path, "utf8").catch(() => "")));
    if (!parsed.success || parsed.data.hostname !== hostname() || isAlive(parsed.data.pid)) continue;
    await rm(path, { force: true });
    note(`removed the lock of an earlier run that was killed (process ${parsed.data.pid})`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to someone else
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
