import { list, object, text, textLike } from "../../lib/shape.ts";

/** What tells one entry of systemd's journal from every other: the parts of `__CURSOR`. */
export interface EntryId {
  readonly cursor: string;
  /** Names the sequence that `number` counts in; journal files that were started anew have another one. */
  readonly sequence: string;
  readonly number: bigint;
  readonly boot: string;
  /** Microseconds since that boot; never goes backwards, whatever the clock does. */
  readonly monotonic: bigint;
  /** Of the entry's content. */
  readonly hash: string;
}

const CURSOR =
  /^s=([0-9a-f]{32});i=([0-9a-f]{1,16});b=([0-9a-f]{32});m=([0-9a-f]{1,16});t=[0-9a-f]{1,16};x=([0-9a-f]{1,16})$/;

/** Null for what is no cursor. */
export function entryId(cursor: string): EntryId | null {
  const [, sequence, number, boot, monotonic, hash] = CURSOR.exec(cursor) ?? [];
  if (!sequence || !number || !boot || !monotonic || !hash) return null;
  return { cursor, sequence, number: BigInt(`0x${number}`), boot, monotonic: BigInt(`0x${monotonic}`), hash };
}

/** How far a unit's journal was read. */
export interface Position {
  /** Of the last entry that was read. */
  readonly cursor: string;
  /** Hashes of the entries read at that same microsecond of that boot. */
  readonly tied: readonly string[];
  /** Boots before that of the last entry, the latest last. */
  readonly earlierBoots: readonly string[];
}

const KEPT_BOOTS = 50;
const KEPT_TIED = 1000;

const cursorShape = textLike(CURSOR, "a journal cursor");
const shape = object<Position>({ cursor: cursorShape, tied: list(text), earlierBoots: list(text) });

/** Null for what is no position of ours. */
export function parsePosition(written: string): Position | null {
  try {
    return shape(JSON.parse(written), "position");
  } catch {
    return null;
  }
}

/**
 * Whether an entry comes after what was read. In one sequence the number decides. In another one, which begins when the
 * journal's files were lost or moved, the same entries may appear again under new numbers: there boot and time since boot
 * decide, which the clock does not change.
 */
export function isAfter(position: Position | null, entry: EntryId): boolean {
  const last = position === null ? null : entryId(position.cursor);
  if (position === null || last === null) return true;
  if (entry.sequence === last.sequence) return entry.number > last.number;
  if (entry.boot !== last.boot) return !position.earlierBoots.includes(entry.boot);
  if (entry.monotonic !== last.monotonic) return entry.monotonic > last.monotonic;
  return !position.tied.includes(entry.hash);
}

/** The position after one more entry. */
export function advanced(position: Position | null, entry: EntryId): Position {
  const last = position === null ? null : entryId(position.cursor);
  if (position === null || last === null) return { cursor: entry.cursor, tied: [entry.hash], earlierBoots: [] };
  const sameBoot = entry.boot === last.boot;
  const sameMoment = sameBoot && entry.monotonic === last.monotonic;
  return {
    cursor: entry.cursor,
    tied: [...(sameMoment ? position.tied : []), entry.hash].slice(-KEPT_TIED),
    earlierBoots: sameBoot
      ? position.earlierBoots
      : [...position.earlierBoots.filter((boot) => boot !== entry.boot), last.boot].slice(-KEPT_BOOTS),
  };
}
