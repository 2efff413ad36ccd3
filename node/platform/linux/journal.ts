import { describeEnd, exec } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { EXIT } from "../../protocol.ts";
import { advanced, entryId, isAfter, parsePosition } from "./journal-position.ts";
import type { EntryId, Position } from "./journal-position.ts";
import { userEnvironment } from "./environment.ts";
import type { LogEntry, LogStart } from "../services.ts";

const SECONDS = 60;

/** Of the service manager's own entries (systemd's catalogue): they mean the same in every language. */
const MESSAGE_IDS: Readonly<Record<string, LogEntry["event"]>> = {
  "39f53479d3a045ac8e11786248231fbf": "started",
  "5eb03494b6584870a536b337290809b3": "restarted",
};

interface JournalEntry {
  readonly id: EntryId;
  readonly entry: LogEntry;
}

/** Null for a line that is no entry. Text that is not plain UTF-8 comes as an array of bytes. */
export function parseEntry(line: string): JournalEntry | null {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof found !== "object" || found === null) return null;
  const fields = found as Readonly<Record<string, unknown>>;
  const id = typeof fields["__CURSOR"] === "string" ? entryId(fields["__CURSOR"]) : null;
  if (id === null) return null;
  const message = fields["MESSAGE"];
  const text = Array.isArray(message) ? Buffer.from(message as number[]).toString("utf8") : message;
  if (typeof text !== "string") return null;
  const named = fields["MESSAGE_ID"];
  const event = typeof named === "string" ? MESSAGE_IDS[named] : undefined;
  return { id, entry: { text, ...(event && { event }) } };
}

/** Returns whether journalctl could do it; lines are passed on as they come. */
async function journalctl(unit: string, from: string | null, onLine: (line: string) => void): Promise<boolean> {
  const argv = ["journalctl", "--user", "--unit", unit, "--all", "--no-pager", "--output=json"] as const;
  const result = await exec([...argv, "--output-fields=MESSAGE,MESSAGE_ID", ...(from === null ? [] : [from])], {
    env: userEnvironment(ownUser()),
    timeoutSeconds: SECONDS,
    keepBytes: 1024,
    onStdoutLine: (line) => {
      if (line !== "") onLine(line);
    },
  });
  if (result.timedOut) throw unreadable(unit, describeEnd(result));
  return result.status === 0;
}

function unreadable(unit: string, end: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "journal",
    message: `the journal of ${unit} can't be read (${end})`,
    fix: "check as the gateway's user: `journalctl --user`",
    exit: EXIT.unavailable,
  });
}

/** As `Services.readLog`. */
export async function readJournal(
  unit: string,
  start: LogStart,
  take: (entry: LogEntry | null) => void,
): Promise<string | null> {
  const read: { position: Position | null } = {
    position: "position" in start ? parsePosition(start.position) : null,
  };
  const takeNew = (line: string): void => {
    const found = parseEntry(line);
    if (found === null) take(null);
    else if (isAfter(read.position, found.id)) {
      take(found.entry);
      read.position = advanced(read.position, found.id);
    }
  };
  const must = async (from: string | null, onLine: (line: string) => void): Promise<void> => {
    if (!(await journalctl(unit, from, onLine))) throw unreadable(unit, "journalctl failed");
  };
  const cursor = read.position?.cursor;
  if ("since" in start) await must(`--since=@${(start.since.getTime() / 1000).toFixed(6)}`, takeNew);
  else if (cursor === undefined) {
    // nobody knows what was read: it begins here, and what came before is not counted
    await must("--lines=1", (line) => {
      const found = parseEntry(line);
      if (found !== null) read.position = advanced(null, found.id);
    });
  } else if (!(await readFrom(unit, cursor, takeNew))) {
    // the last entry that was read is no more: whatever is left of the journal is gone through
    await must(null, takeNew);
  }
  return read.position === null ? null : JSON.stringify(read.position);
}

/**
 * From an entry on; false, and nothing is taken, where that entry is no more. `--after-cursor` would then leave out one
 * entry too many (systemd 252).
 */
async function readFrom(unit: string, cursor: string, take: (line: string) => void): Promise<boolean> {
  let first: boolean | undefined;
  await journalctl(unit, `--cursor=${cursor}`, (line) => {
    first ??= parseEntry(line)?.id.cursor === cursor;
    if (first) take(line);
  });
  return first === true;
}
