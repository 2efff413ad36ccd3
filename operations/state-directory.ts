import { lstat, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { OperationError } from "./error.ts";

/** `GATEHOUSE_STATE_DIR`, else `$XDG_STATE_HOME/gatehouse`, else `~/.local/state/gatehouse`. */
export function defaultStateDirectory(env: NodeJS.ProcessEnv): string {
  const named = env["GATEHOUSE_STATE_DIR"];
  if (named !== undefined && named !== "") return named;
  const base = env["XDG_STATE_HOME"];
  return join(base?.startsWith("/") ? base : join(homedir(), ".local", "state"), "gatehouse");
}

/**
 * Makes a directory that nobody else can enter; its parents get the modes of the umask.
 * @throws {OperationError} `state-directory` when one is there that others can enter, or that is not ours.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  if (!found.isDirectory()) {
    throw OperationError.of("state-directory", `${path} is not a directory`, "name another state directory");
  }
  if (found.uid !== process.geteuid?.()) {
    throw OperationError.of("state-directory", `${path} belongs to another user`, "name a directory of your own");
  }
  if ((found.mode & 0o077) !== 0) {
    throw OperationError.of("state-directory", `other users can enter ${path}`, `chmod 700 ${path}`);
  }
}
