import { readFile } from "node:fs/promises";
import { PhaseFailure, errnoOf } from "./failure.ts";
import type { Shape } from "./shape.ts";

/** The text of a file; null when there is none. */
export async function readTextOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return null;
    throw error;
  }
}

/**
 * A JSON file of ours; null when there is none.
 * @throws {PhaseFailure} `damaged-state` when it is not what we write. The message holds no content.
 */
export async function readJsonOrNull<T>(path: string, shape: Shape<T>): Promise<T | null> {
  const text = await readTextOrNull(path);
  if (text === null) return null;
  try {
    return shape(JSON.parse(text), path);
  } catch (error) {
    throw new PhaseFailure({
      layer: "config or disk",
      code: "damaged-state",
      message: `${path} is damaged`,
      fix: "move that file away on the node, then run the same command again",
      cause: error,
    });
  }
}
