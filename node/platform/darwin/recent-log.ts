import { lstat, readFile } from "node:fs/promises";
import { logFiles, markTime } from "./log.ts";

/** Lines after the last start that root noted at `since` or later; all when it noted none. */
export function linesSince(lines: readonly string[], since: Date): readonly string[] {
  const start = lines.findIndex((line) => markTime(line) >= since.getTime() - 1000);
  return start < 0 ? lines : lines.slice(start + 1);
}

/**
 * What a log of launchd's says of the time since then; throws where it can't be read. It has no times: a file that was not
 * written to since then says nothing, and a renamed one may be the one that the running process writes into.
 */
export async function recentLines(path: string, since: Date): Promise<readonly string[]> {
  const files = await logFiles(path);
  const texts = await Promise.all(
    (files.length === 0 ? [path] : files).map(async (file) =>
      (await lstat(file)).mtimeMs < since.getTime() ? "" : await readFile(file, "utf8"),
    ),
  );
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => line !== "");
  return linesSince(lines, since);
}

/** When root last noted a start, in milliseconds; NaN when that is in no file. */
export async function lastNotedStart(path: string): Promise<number> {
  for (const file of [...(await logFiles(path))].reverse()) {
    const times = (await readFile(file, "utf8"))
      .split("\n")
      .map(markTime)
      .filter((time) => !Number.isNaN(time));
    if (times.length > 0) return Math.max(...times);
  }
  return Number.NaN;
}
