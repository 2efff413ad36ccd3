import { chmod, chown, lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "../lib/failure.ts";
import type { HomeFacts, OsUser, SharedFacts } from "./index.ts";

/** What Linux and macOS have in common about homes and other directories: modes and owners. */
export async function inspectHome(path: string): Promise<HomeFacts | undefined> {
  try {
    const stat = await lstat(path);
    const isDirectory = stat.isDirectory();
    return { uid: stat.uid, isDirectory, isEmpty: isDirectory && (await readdir(path)).length === 0 };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export async function foreignAncestor(path: string): Promise<string | undefined> {
  const parent = dirname(path);
  const stat = await lstat(parent).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (stat !== undefined) {
    const isLink = stat.isSymbolicLink();
    if (stat.uid !== 0 || (!isLink && (stat.mode & 0o022) !== 0)) return parent;
    if (isLink) {
      const behind = await foreignAncestor(join(await realpath(parent), "home"));
      if (behind !== undefined) return behind;
    }
  }
  return parent === "/" ? undefined : await foreignAncestor(parent);
}

/** Makes what is missing of a path, 0755 whatever the umask: the user has to pass through. */
async function makeParents(path: string): Promise<void> {
  if (path === "/") return;
  await makeParents(dirname(path));
  try {
    await mkdir(path);
    await chmod(path, 0o755);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

export async function makeHome(user: OsUser): Promise<void> {
  await makeParents(dirname(user.home));
  try {
    await mkdir(user.home, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  // Nobody but root can change the parents (`foreignAncestor`), so nobody can put a link here between these calls.
  await chmod(user.home, 0o700);
  await chown(user.home, user.uid, user.gid);
}

export async function inspectShared(path: string): Promise<SharedFacts | undefined> {
  try {
    const stat = await lstat(path);
    return {
      uid: stat.uid,
      mode: stat.mode,
      isDirectory: stat.isDirectory(),
      foreignAncestor: await foreignAncestor(path),
    };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
