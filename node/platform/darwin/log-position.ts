import { integer, list, nullable, object, flag, text, textLike } from "../../lib/shape.ts";
import type { Load } from "./starts.ts";

/** How far one file of a log was read. */
export interface ReadFile {
  /** Kept by a rename; the number of the device is not, it may be another one after a boot. */
  readonly inode: string;
  /** Where the first line begins that was not read. */
  readonly offset: number;
  /** Of the bytes before: another file with the same inode, or one that was emptied, has others there. */
  readonly digest: string;
}

/** How far a log of launchd's was read, in all of its files, and what was known of the job then. */
export interface LogPosition {
  /** The oldest first; also those that were not found again. */
  readonly files: readonly ReadFile[];
  readonly load: Load | null;
}

const shape = object<LogPosition>({
  files: list(
    object<ReadFile>({
      inode: textLike(/^\d{1,20}$/, "the number of a file"),
      offset: integer(0, Number.MAX_SAFE_INTEGER),
      digest: textLike(/^[0-9a-f]{16}$/, "a digest"),
    }),
  ),
  load: nullable(object<Load>({ boot: nullable(text), runs: integer(0, Number.MAX_SAFE_INTEGER), marked: flag })),
});

/** Null for what is no position of ours. */
export function parseLogPosition(written: string): LogPosition | null {
  try {
    return shape(JSON.parse(written), "position");
  } catch {
    return null;
  }
}
