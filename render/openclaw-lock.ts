import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export interface OpenclawLock {
  readonly packageJson: string;
  readonly packageLock: string;
}

/** The lock shipped with this project: OpenClaw 2026.9.6 with the integrity of every package below it. */
export function shippedOpenclawLock(): OpenclawLock {
  const read = (name: string): string => readFileSync(new URL(`./openclaw-lock/${name}`, import.meta.url), "utf8");
  return { packageJson: read("package.json"), packageLock: read("package-lock.json") };
}

/** gzip, base64; the same bytes for the same text (zlib writes no time here). */
export function gzipBase64(text: string): string {
  return gzipSync(text, { level: 9 }).toString("base64");
}
