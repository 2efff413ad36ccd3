import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, chown, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "./failure.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function temporaryName(path: string): string {
  return join(dirname(path), `.gatehouse-tmp-${String(process.pid)}-${randomBytes(4).toString("hex")}`);
}

/** Makes a rename or unlink in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems (overlay on old kernels, network mounts) have no fsync for directories.
    const errno = errnoOf(error);
    if (errno !== "EINVAL" && errno !== "ENOTSUP") throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Replaces `path` in one step: mode and owner are set on the empty temporary file before any content, then content,
 * fsync, rename, fsync of the directory. A reader sees the old bytes or the new ones; a failure leaves the old ones.
 * `mode` is exact, whatever the umask.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode: number; readonly owner?: Owner },
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      if (options.owner !== undefined) await handle.chown(options.owner.uid, options.owner.gid);
      await handle.chmod(options.mode);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Points the symbolic link `path` at `target` in one step. Returns false when it pointed there already. */
export async function swapSymlink(path: string, target: string): Promise<boolean> {
  if ((await readLinkOrNull(path)) === target) return false;
  const temporary = temporaryName(path);
  try {
    await symlink(target, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** The target of a symbolic link; null when there is nothing at `path`. */
export async function readLinkOrNull(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/**
 * Makes sure that `path` is a directory with exactly this mode (and owner). Parents must exist. A symbolic link or
 * another kind of file in its place is an error (`ENOTDIR`), never followed.
 */
export async function ensureDirectory(
  path: string,
  options: { readonly mode: number; readonly owner?: Owner },
): Promise<void> {
  try {
    await mkdir(path, { mode: options.mode });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  const stat = await lstat(path);
  if (!stat.isDirectory()) {
    throw Object.assign(new Error("not a directory"), { code: "ENOTDIR", path });
  }
  const { owner } = options;
  if (owner !== undefined && (stat.uid !== owner.uid || stat.gid !== owner.gid))
    await chown(path, owner.uid, owner.gid);
  if ((stat.mode & 0o7777) !== options.mode) await chmod(path, options.mode);
}

export interface TreeFile {
  readonly content: string | Uint8Array;
  readonly mode: number;
}

/**
 * Puts a whole directory in place: `files` (relative names, one level) are written to a sibling staging directory that
 * is then renamed. An existing `path` is left as it is, because callers name such directories by content.
 * Returns false when it was there.
 */
export async function writeTree(
  path: string,
  files: Readonly<Record<string, TreeFile>>,
  directoryMode: number,
): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  const staging = temporaryName(path);
  try {
    await ensureDirectory(staging, { mode: directoryMode });
    for (const [name, file] of Object.entries(files)) {
      await writeFileAtomic(join(staging, name), file.content, { mode: file.mode });
    }
    await rename(staging, path);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Deletes what an interrupted `writeFileAtomic`, `swapSymlink` or `writeTree` left in `directory`. Call it under the lock. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(".gatehouse-tmp-")) await rm(join(directory, name), { recursive: true, force: true });
  }
}
