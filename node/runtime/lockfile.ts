import { gunzipSync } from "node:zlib";
import { EXIT } from "../protocol.ts";
import { PhaseFailure, errnoOf } from "../lib/failure.ts";

/** OpenClaw's own lockfile has 140 kB; the bound keeps a hostile payload from filling memory. */
const LIMIT_BYTES = 8 * 1024 * 1024;

interface LockedPackage {
  readonly integrity?: unknown;
  readonly inBundle?: unknown;
  readonly link?: unknown;
  readonly resolved?: unknown;
}

function refused(message: string): PhaseFailure {
  return new PhaseFailure({
    layer: "runtime",
    code: "lockfile",
    message,
    fix: "generate the lockfile with `npm install --package-lock-only --omit-lockfile-registry-resolved=true`",
    exit: EXIT.refused,
  });
}

/**
 * The lockfile's text. Refuses one in which any package has no integrity (npm would install whatever the registry
 * answers) or comes from outside the registry. Packages inside another one's archive are covered by that one's integrity.
 */
export function unpackLockfile(gzipBase64: string): string {
  let content: string;
  let packages: unknown;
  try {
    content = gunzipSync(Buffer.from(gzipBase64, "base64"), { maxOutputLength: LIMIT_BYTES }).toString("utf8");
    packages = (JSON.parse(content) as { packages?: unknown }).packages;
  } catch (error) {
    throw refused(
      `payload.runtime.lockfileGzip: expected a gzipped package-lock.json (${errnoOf(error) ?? "not JSON"})`,
    );
  }
  if (typeof packages !== "object" || packages === null)
    throw refused("the lockfile has no 'packages': expected lockfileVersion 3");
  for (const [path, entry] of Object.entries(packages as Record<string, LockedPackage>)) {
    if (path === "" || entry.inBundle === true) continue;
    if (entry.link === true || (typeof entry.resolved === "string" && !entry.resolved.startsWith("https://"))) {
      throw refused(`the lockfile takes ${path} from outside the registry`);
    }
    if (typeof entry.integrity !== "string" || !/^sha(512|256)-/.test(entry.integrity)) {
      throw refused(`the lockfile has no integrity for ${path}`);
    }
  }
  return content;
}
