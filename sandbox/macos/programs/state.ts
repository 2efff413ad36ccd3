import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "../paths.ts";
import { replaceFile } from "../replace-file.ts";

/** What a program of the stand-in remembers, as JSON in `PATHS.state`; only root changes it. */
export function readState<T>(name: string, initial: T): T {
  const path = join(PATHS.state, `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : initial;
}

export function writeState(name: string, value: unknown): void {
  replaceFile(join(PATHS.state, `${name}.json`), `${JSON.stringify(value, null, 1)}\n`, 0o644);
}
