import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "../paths.ts";

/** What a program of the stand-in remembers, as JSON in `PATHS.state`; only root changes it. */
export function readState<T>(name: string, initial: T): T {
  const path = join(PATHS.state, `${name}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : initial;
}

export function writeState(name: string, value: unknown): void {
  const path = join(PATHS.state, `${name}.json`);
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 1)}\n`, { mode: 0o644 });
  renameSync(`${path}.new`, path);
}
