import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EXIT } from "../../protocol.ts";
import { exec } from "../../lib/exec.ts";
import { errnoOf, PhaseFailure } from "../../lib/failure.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { nodePaths } from "../../lib/paths.ts";
import { domainOf, findJob } from "./launchctl.ts";
import { parseLogPosition } from "./log-position.ts";
import type { ReadFile } from "./log-position.ts";
import { gatewayOf, startOf } from "./names.ts";
import { startsSince } from "./starts.ts";
import type { Moment, Starts } from "./starts.ts";
import type { LogEntry, LogStart } from "../services.ts";

/** Starts each of root's lines in a gateway's log; a time follows. */
const START_MARK = "gatehouse: start ";
const NEWLINE = 0x0a;
/** A longer line is no entry. */
const LONGEST_LINE = 1024 * 1024;
const DIGEST_BYTES = 1024;
/** More than newsyslog keeps. */
const KEPT_FILES = 20;

export function logPath(unit: string): string {
  return join(nodePaths().serviceLogs, `${gatewayOf(unit)}.log`);
}

export function startMark(time: Date): string {
  return `${START_MARK}${time.toISOString()}`;
}

/** When root noted a start, in milliseconds; NaN for another line. */
export function markTime(line: string): number {
  return line.startsWith(START_MARK) ? Date.parse(line.slice(START_MARK.length)) : Number.NaN;
}

/** The files of a log, the oldest first: newsyslog renames `x.log` to `x.log.0`, and that to `x.log.1`. */
export async function logFiles(path: string): Promise<readonly string[]> {
  const names = await readdir(dirname(path)).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const name = basename(path);
  const ages = names.flatMap((found) => {
    if (found === name) return [-1];
    const age = found.startsWith(`${name}.`) ? found.slice(name.length + 1) : "";
    return /^\d{1,4}$/.test(age) ? [Number(age)] : [];
  });
  return ages.sort((a, b) => b - a).map((age) => (age < 0 ? path : `${path}.${age}`));
}

/** Passes on complete lines, null for one that is too long; returns where the first one begins that is not complete. */
async function readLines(
  handle: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
  onLine: (line: string | null) => void,
): Promise<number> {
  if (from >= to) return from;
  let next = from;
  let dropped = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of handle.createReadStream({ start: from, end: to - 1, autoClose: false })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      onLine(dropped > 0 ? null : rest.toString("utf8", 0, end));
      next += dropped + end + 1;
      dropped = 0;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LONGEST_LINE) {
      dropped += rest.length;
      rest = Buffer.alloc(0);
    }
  }
  return next;
}

async function digestBefore(handle: FileHandle, offset: number): Promise<string> {
  const length = Math.min(offset, DIGEST_BYTES);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset - length);
  return createHash("sha256").update(buffer.subarray(0, bytesRead)).digest("hex").slice(0, 16);
}

/** Where reading goes on in a file: where it ended, or at the beginning of one that is not known. */
async function offsetIn(handle: FileHandle, size: number, known: ReadFile | undefined): Promise<number> {
  if (known === undefined || known.offset > size) return 0;
  return (await digestBefore(handle, known.offset)) === known.digest ? known.offset : 0;
}

/** Null for a file that was renamed meanwhile: it is found under its new name the next time. */
async function openLog(path: string): Promise<FileHandle | null> {
  return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  });
}

/** Reads on in every file of a log; what was not found keeps its place, so that no line is read twice. */
async function readFiles(
  path: string,
  known: readonly ReadFile[],
  onLine: (line: string | null) => void,
): Promise<readonly ReadFile[]> {
  const paths = await logFiles(path);
  if (known.length > 0 && !paths.includes(path)) throw missing(path);
  const read: ReadFile[] = [];
  // from the oldest to the newest: a rotation meanwhile moves files away from this order, so none is met twice
  for (const one of paths) {
    const handle = await openLog(one);
    if (handle === null) continue;
    try {
      const { ino, size } = await handle.stat({ bigint: true });
      const inode = String(ino);
      const to = Number(size);
      const from = await offsetIn(handle, to, known.find((file) => file.inode === inode)); // prettier-ignore
      const offset = await readLines(handle, { from, to }, onLine);
      read.push({ inode, offset, digest: await digestBefore(handle, offset) });
    } finally {
      await handle.close();
    }
  }
  const found = new Set(read.map(({ inode }) => inode));
  return [...known.filter(({ inode }) => !found.has(inode)), ...read].slice(-KEPT_FILES);
}

function missing(path: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "journal",
    message: `${path} is gone, and the running gateway writes into a file without a name`,
    fix: "restart the gateway: launchd opens the file anew",
    exit: EXIT.unavailable,
  });
}

function unreadable(path: string, error: unknown): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "journal",
    message: `${path} can't be read (${errnoOf(error) ?? "another failure"})`,
    fix: "it belongs to the gateway's user, with mode 600, in a folder of root's with mode 755: restart the gateway, which puts that right",
    exit: EXIT.unavailable,
    cause: error,
  });
}

async function momentOf(unit: string): Promise<Moment> {
  const [job, boot] = await Promise.all([
    findJob(unit, domainOf(startOf(unit), ownUser().uid)),
    exec(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], { timeoutSeconds: 10 }),
  ]);
  const id = boot.status === 0 ? boot.stdout.trim() : "";
  return { boot: id === "" ? null : id, runs: job?.runs ?? 0, pid: job?.pid ?? 0 };
}

function eventsOf({ loads, restarts }: Starts): readonly LogEntry[] {
  const started: LogEntry = { text: "launchd has started it", event: "started" };
  const restarted: LogEntry = { text: "launchd starts it again", event: "restarted" };
  return [
    ...Array.from({ length: loads }, () => started),
    ...Array.from({ length: restarts }, () => [restarted, started]).flat(),
  ];
}

function entryOf(line: string | null): LogEntry | null {
  if (line === null) return null;
  return { text: line, ...(Number.isNaN(markTime(line)) ? {} : { event: "started" as const }) };
}

/**
 * As `Services.readLog`, of the file that launchd writes. Its lines have no times: `since` begins at the first start that
 * root noted then or later. Starts without a note of root's come out of launchd's counter; they are passed on before the
 * lines of the process that runs, or after root's last note, since when they happened is written nowhere.
 */
export async function readLaunchdLog(
  unit: string,
  path: string,
  start: LogStart,
  take: (entry: LogEntry | null) => void,
): Promise<string> {
  const position = "position" in start ? parseLogPosition(start.position) : null;
  // nobody knows what was read: it begins here, and what came before is not counted
  const since = "since" in start ? start.since.getTime() : Number.POSITIVE_INFINITY;
  let taking = position !== null;
  const entries: (LogEntry | null)[] = [];
  const before = await momentOf(unit);
  const files = await readFiles(path, position?.files ?? [], (line) => {
    taking ||= line !== null && markTime(line) >= since;
    if (taking) entries.push(entryOf(line));
  }).catch((error: unknown) => {
    throw error instanceof PhaseFailure ? error : unreadable(path, error);
  });
  const after = await momentOf(unit);
  const lastMark = entries.findLastIndex((entry) => entry?.event === "started");
  const { starts, load } = startsSince(position?.load ?? null, [before, after], lastMark >= 0);
  for (const entry of entries.toSpliced(lastMark + 1, 0, ...eventsOf(starts))) take(entry);
  return JSON.stringify({ files, load });
}
