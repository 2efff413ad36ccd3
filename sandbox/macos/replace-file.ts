import { chmodSync, renameSync, writeFileSync } from "node:fs";

/** Replaces a file at once; the umask of whoever calls the stand-in's program does not narrow `mode`. */
export function replaceFile(path: string, content: string | Buffer, mode: number): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}
