import { lstat, readFile } from "node:fs/promises";
import { logFiles, markTime } from "./darwin-log.ts";

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
