import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "./errors.ts";

/** Where the unified hierarchy is mounted for writing, or undefined. Source of fact: cgroups(7), both modern and hybrid hosts. */
export async function unifiedHierarchy(): Promise<string | undefined> {
  for (const line of (await readFile("/proc/self/mounts", "utf8")).split("\n")) {
    const [, path, type, options] = line.split(" ");
    if (type === "cgroup2" && path !== undefined && options?.split(",").includes("rw") === true) return path;
  }
  return undefined;
}

export async function createGroup(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

/** True while any process is left in the group or below it. */
export async function isPopulated(path: string): Promise<boolean> {
  const events = await readFile(join(path, "cgroup.events"), "utf8").catch(() => "");
  return events.includes("populated 1");
}

/** SIGKILL for everything in the group (Linux 5.14 and later). */
export async function killGroup(path: string): Promise<void> {
  await writeFile(join(path, "cgroup.kill"), "1").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
}

/** Removes an empty group with its children; no error when it is gone. */
export async function removeGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name));
  await rmdir(path).catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
}
