import { createHash } from "node:crypto";
import type { LogEvidence, Refusal } from "./evidence.ts";
import { oneLine } from "../openclaw/cli.ts";
import type { LogLine } from "./systemd.ts";

const SHOWN_LINES = 20;
const TELLING = /fail|error|refus|invalid|unavailable|denied|unauthorized|in use|missing|mismatch|cooldown|degraded/i;

/** Reasons of one kind of failure; facts: openclaw.md 6. */
const GATEWAY_FAILURE = /\bunauthorized conn=.*?\breason=(\w+)/;
const PROVIDER_FAILURE = /auth profile failure state updated: .*?\breason=(\w+)/;
/** The log names a profile by the first 12 hex digits of the SHA-256 of its id (measured, 2026.9.6). */
const PROFILE = /\bprofile=sha256:([0-9a-f]{12})\b/;

function tally(lines: readonly LogLine[], pattern: RegExp): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { text } of lines) {
    const reason = pattern.exec(text)?.[1];
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function refusalsOf(lines: readonly LogLine[], profiles: readonly string[]): Refusal[] {
  const names = new Map(profiles.map((id) => [createHash("sha256").update(id).digest("hex").slice(0, 12), id]));
  const found = new Map<string, Refusal>();
  for (const { at, text } of lines) {
    const reason = PROVIDER_FAILURE.exec(text)?.[1];
    if (reason === undefined) continue;
    const profile = names.get(PROFILE.exec(text)?.[1] ?? "") ?? null;
    const key = `${profile ?? ""} ${reason}`;
    const count = (found.get(key)?.count ?? 0) + 1;
    found.set(key, { profile, reason, count, last: new Date(at).toISOString() });
  }
  return [...found.values()];
}

/** The two kinds of "auth failed" apart, and the last telling lines without secrets. */
export function logEvidence(
  lines: readonly LogLine[],
  about: { readonly startedAt: string | null; readonly profiles: readonly string[] },
  scrub: (text: string) => string,
): LogEvidence {
  const start = about.startedAt === null ? Infinity : Date.parse(about.startedAt);
  return {
    gatewayFailures: tally(lines, GATEWAY_FAILURE),
    providerFailures: tally(lines, PROVIDER_FAILURE),
    refusals: refusalsOf(
      lines.filter(({ at }) => at >= start),
      about.profiles,
    ),
    lines: lines
      .filter(({ text }) => TELLING.test(text))
      .slice(-SHOWN_LINES)
      // scrubbed before it is cut: half a secret is not found
      .map(({ at, text }) => oneLine(`${new Date(at).toISOString()} ${scrub(text)}`)),
  };
}
