import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** A build takes minutes; anything older was left by a process that was killed. */
const STALE_STAGING_MS = 60 * 60 * 1000;
const STAGING_PREFIX = ".staging-";

/** `$XDG_CACHE_HOME/gatehouse`, by default `~/.cache/gatehouse`. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_CACHE_HOME"];
  return join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".cache"), "gatehouse");
}

/** First 16 hex digits of the SHA-256 over the parts: long enough for a cache of a few entries, short in a path. */
export function contentKey(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex").slice(0, 16);
}

/**
 * Publishes a directory under `parent/name` in one step: `fill` gets an empty directory next to it, which is renamed
 * when everything in it is on disk. What is there already, or a concurrent winner, is kept.
 */
export async function publishDirectory(
  parent: string,
  name: string,
  fill: (staging: string) => Promise<void>,
): Promise<string> {
  const target = join(parent, name);
  if (await stat(target).catch(() => undefined)) return target;
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeStaleStaging(parent);
  const staging = join(parent, `${STAGING_PREFIX}${name}-${process.pid}-${randomBytes(4).toString("hex")}`);
  await mkdir(staging, { mode: 0o700 });
  try {
    await fill(staging);
    await syncTree(staging);
    await rename(staging, target).catch(async (error: unknown) => {
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      await rm(staging, { recursive: true });
    });
    await syncPath(parent);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  return target;
}

/** Writes a small file so that a reader sees the old or the new content, never a part. */
export async function writeFileAtomically(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}`;
  await writeFile(temporary, content, { mode: 0o600, flush: true });
  await rename(temporary, path);
  await syncPath(dirname(path));
}

async function removeStaleStaging(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(STAGING_PREFIX)) continue;
    const path = join(parent, entry);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > STALE_STAGING_MS) await rm(path, { recursive: true, force: true });
  }
}

async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncPath(path);
  }
  await syncPath(directory);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
