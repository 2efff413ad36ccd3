import { readFileSync } from "node:fs";
import { chmod, open, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT } from "../protocol.ts";
import { PhaseFailure, errnoOf } from "./failure.ts";

export interface LockOptions {
  /** Lock file; its directory must exist. Created 0600. */
  readonly path: string;
  /** What is being locked, in words for the wait message: "the runtime of this node". */
  readonly what: string;
  /** Seconds to wait for another holder before failing with `busy`; default 120. */
  readonly waitSeconds?: number;
  readonly progress: (message: string) => void;
  readonly signal?: AbortSignal;
}

const POLL_MS = 150;
const REPORT_EVERY_MS = 10_000;
/** SQLITE_BUSY and SQLITE_LOCKED. */
const TAKEN = new Set([5, 6]);

function isTaken(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return error instanceof Error && typeof code === "number" && TAKEN.has(code & 0xff);
}

function holderOf(path: string): string {
  try {
    const pid = readFileSync(`${path}.holder`, "utf8").trim();
    return /^[0-9]+$/.test(pid) ? `process ${pid}` : "another process";
  } catch {
    return "another process";
  }
}

function tryBegin(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    if (isTaken(error)) return undefined;
    throw error;
  }
}

/**
 * SQLite would create it with the umask's mode. An existing file is not opened here: when this process holds its lock
 * already, closing any descriptor of it would make the kernel give that lock away (fcntl).
 */
async function create(path: string): Promise<void> {
  try {
    const handle = await open(path, "wx", 0o600);
    await handle.close();
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  await chmod(path, 0o600);
}

async function acquire(options: LockOptions): Promise<DatabaseSync> {
  await create(options.path);
  const start = Date.now();
  const waitMs = (options.waitSeconds ?? 120) * 1000;
  let reported = -REPORT_EVERY_MS;
  for (;;) {
    const database = tryBegin(options.path);
    if (database !== undefined) return database;
    const waited = Date.now() - start;
    if (waited >= waitMs) {
      throw new PhaseFailure({
        layer: "host",
        code: "busy",
        message: `${holderOf(options.path)} has been working on ${options.what} for longer than ${Math.round(waitMs / 1000)} s`,
        fix: "let the other run finish, or end that process on the node, then run the same command again",
        exit: EXIT.busy,
      });
    }
    if (waited - reported >= REPORT_EVERY_MS) {
      options.progress(`waiting for ${holderOf(options.path)}, which is working on ${options.what}`);
      reported = waited;
    }
    await sleep(POLL_MS, undefined, options.signal === undefined ? undefined : { signal: options.signal });
  }
}

/**
 * Runs `work` while holding an exclusive lock that the kernel releases when this process dies, however it dies
 * (an open SQLite transaction; Linux and macOS, no helper program).
 */
export async function withLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  const database = await acquire(options);
  try {
    // Only for the message of whoever waits: the lock itself is the transaction.
    await writeFile(`${options.path}.holder`, `${String(process.pid)}\n`, { mode: 0o600 });
    return await work();
  } finally {
    await rm(`${options.path}.holder`, { force: true });
    database.close();
  }
}
