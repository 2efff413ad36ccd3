import type { LogEvidence } from "./evidence.ts";
import { oneLine } from "../openclaw/cli.ts";

const SHOWN_LINES = 20;
const TELLING = /fail|error|refus|invalid|unavailable|denied|unauthorized|in use|missing|mismatch|cooldown|degraded/i;

/** Reasons of one kind of failure; facts: openclaw.md 6. */
const GATEWAY_FAILURE = /\bunauthorized conn=.*?\breason=(\w+)/;
const PROVIDER_FAILURE = /auth profile failure state updated: .*?\breason=(\w+)/;

function tally(lines: readonly string[], pattern: RegExp): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const reason = pattern.exec(line)?.[1];
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

/** The two kinds of "auth failed" apart, and the last telling lines without secrets. */
export function logEvidence(lines: readonly string[], scrub: (text: string) => string): LogEvidence {
  return {
    gatewayFailures: tally(lines, GATEWAY_FAILURE),
    providerFailures: tally(lines, PROVIDER_FAILURE),
    lines: lines
      .filter((line) => TELLING.test(line))
      .slice(-SHOWN_LINES)
      // scrubbed before it is cut: half a secret is not found
      .map((line) => oneLine(scrub(line))),
  };
}
