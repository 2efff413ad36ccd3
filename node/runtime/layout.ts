import { join } from "node:path";

/** Written last, inside the staging directory: a runtime without it is never used. */
export const COMPLETE_MARKER = ".complete";
export const STAGING_PREFIX = ".staging-";

export function openclawEntry(runtime: string): string {
  return join(runtime, "node_modules/openclaw/openclaw.mjs");
}
