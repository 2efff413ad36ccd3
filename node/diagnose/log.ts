import { createHash } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { LogEvidence, Refusal } from "./evidence.ts";
import { oneLine } from "../openclaw/cli.ts";
import { ownNetworks, refusedPaths, unreachableHosts } from "./refused.ts";

const SHOWN_LINES = 20;
const TELLING = /fail|error|refus|invalid|unavailable|denied|unauthorized|in use|missing|mismatch|cooldown|degraded/i;

/** Reasons of one kind of failure; facts: openclaw.md 6. */
const GATEWAY_FAILURE = /\bunauthorized conn=.*?\breason=(\w+)/;
const PROVIDER_FAILURE = /auth profile failure state updated: .*?\breason=(\w+)/;
/** The log names a profile by the first 12 hex digits of the SHA-256 of its id (measured, 2026.9.6). */
const PROFILE = /\bprofile=sha256:([0-9a-f]{12})\b/;

function tally(lines: readonly string[], pattern: RegExp): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const reason = pattern.exec(line)?.[1];
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function refusalsOf(lines: readonly string[], profiles: readonly string[]): Refusal[] {
  const names = new Map(profiles.map((id) => [createHash("sha256").update(id).digest("hex").slice(0, 12), id]));
  const found = new Map<string, Refusal>();
  for (const line of lines) {
    const reason = PROVIDER_FAILURE.exec(line)?.[1];
    if (reason === undefined) continue;
    const profile = names.get(PROFILE.exec(line)?.[1] ?? "") ?? null;
    const key = `${profile ?? ""} ${reason}`;
    const count = (found.get(key)?.count ?? 0) + 1;
    found.set(key, { profile, reason, count });
  }
  return [...found.values()];
}

export interface LoggedWhen {
  /** Of `lines`: what the running process logged itself; empty when nothing runs. */
  readonly sinceStart: readonly string[];
  /** Whether a process runs. */
  readonly running: boolean;
  /** Ids of the declared profiles: `anthropic:research`. */
  readonly profiles: readonly string[];
}

/** The two kinds of "auth failed" apart, and the last telling lines without secrets. */
export function logEvidence(
  lines: readonly string[],
  { sinceStart, running, profiles }: LoggedWhen,
  scrub: (text: string) => string,
): LogEvidence {
  return {
    gatewayFailures: tally(lines, GATEWAY_FAILURE),
    providerFailures: tally(lines, PROVIDER_FAILURE),
    refusals: refusalsOf(sinceStart, profiles),
    unreachable: unreachableHosts(sinceStart, ownNetworks(networkInterfaces())),
    refusedPaths: refusedPaths(running ? sinceStart : lines).map((path) => oneLine(scrub(path))),
    lines: lines
      .filter((line) => TELLING.test(line))
      .slice(-SHOWN_LINES)
      // scrubbed before it is cut: half a secret is not found
      .map((line) => oneLine(scrub(line))),
  };
}
