import { lstat, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, swapSymlink } from "../lib/atomic.ts";
import { errnoOf } from "../lib/failure.ts";
import type { Context } from "../phase.ts";
import type { OsUser } from "../platform/index.ts";

function linkOf(context: Context, gateway: string): string {
  return join(context.paths.metrics, `${gateway}.prom`);
}

/**
 * Where the textfile goes: node_exporter reads one directory that no gateway's user may write, so a link of root's leads
 * from there to a directory of the user's own. Runs as root.
 */
export async function ensureTextfileDirectory(user: OsUser, gateway: string, context: Context): Promise<void> {
  await ensureDirectory(context.paths.metrics, { mode: 0o755 });
  await ensureDirectory(join(context.paths.metrics, gateway), { mode: 0o755, owner: { uid: user.uid, gid: user.gid } });
  await swapSymlink(linkOf(context, gateway), join(gateway, "metrics.prom"));
}

/** After the user took its own file away; root deletes nothing in a directory of somebody else's. */
export async function removeTextfileDirectory(gateway: string, context: Context): Promise<void> {
  await rm(linkOf(context, gateway), { force: true });
  for (const path of [join(context.paths.metrics, gateway), context.paths.metrics]) {
    await rmdir(path).catch((error: unknown) => {
      // somebody's file, or another gateway's
      if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) throw error;
    });
  }
}

/** Whether root's part of it is there. */
export async function hasTextfileDirectory(user: OsUser, gateway: string, context: Context): Promise<boolean> {
  const found = await Promise.all(
    [join(context.paths.metrics, gateway), linkOf(context, gateway)].map((path) =>
      lstat(path).catch((error: unknown) => {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }),
    ),
  );
  const [directory, link] = found;
  return directory?.isDirectory() === true && directory.uid === user.uid && link?.isSymbolicLink() === true;
}
