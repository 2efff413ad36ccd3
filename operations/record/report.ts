import { OperationError } from "../error.ts";
import { lineHash } from "./chain.ts";
import { entryShape, type Entry } from "./entry.ts";
import type { RecordText } from "./store.ts";

export interface ShownEntry extends Entry {
  readonly seq: number;
  /** SHA-256 of its line. */
  readonly hash: string;
}

/** The last entries, the oldest first; a line that is none of ours is left to `verify`. */
export function lastEntries({ lines }: RecordText, count: number): readonly ShownEntry[] {
  return lines
    .map((line, index) => ({ line, seq: index + 1 }))
    .slice(-count)
    .flatMap(({ line, seq }) => {
      try {
        return [{ ...entryShape.parse(JSON.parse(line)), seq, hash: lineHash(line) }];
      } catch {
        return [];
      }
    });
}

const arrow = (before: string | null, after: string | null): string => `${before ?? "none"} -> ${after ?? "none"}`;

function summary({ time, action, outcome, operator, change }: ShownEntry): string {
  return `${time} ${action} ${outcome} by ${operator}${change === null ? "" : `, ${change.ticket}`}`;
}

function lines(entry: ShownEntry): string[] {
  const { gateways, credentials, failures, blastRadius, policy } = entry;
  return [
    ...gateways.map(
      ({ gateway, node, generation, health, rollbackPoint }) =>
        `${gateway} on ${node}: ${arrow(generation.before, generation.after)}, health ${arrow(health.before, health.after)}, roll back to ${rollbackPoint ?? "nothing"}`,
    ),
    ...credentials.map(({ credential, before, after }) => `${credential}: ${arrow(before, after)}`),
    ...(gateways.length === 0
      ? []
      : [
          `reached ${blastRadius.agents} agents of ${blastRadius.gateways} gateways on ${blastRadius.nodes} nodes in ${blastRadius.environments.join(", ")}`,
        ]),
    ...(policy === null || policy.advisory.length === 0 ? [] : [`went on with ${policy.advisory.join(", ")}`]),
    ...failures.map(({ code, message }) => `failed [${code}]: ${message}`),
  ];
}

/** For people. */
export function recordText(entries: readonly ShownEntry[]): string {
  if (entries.length === 0) return "no entry";
  return entries
    .flatMap((entry) => [
      `${entry.seq} ${summary(entry)}`,
      ...lines(entry).map((line) => `  ${line}`),
      `  sha256 ${entry.hash}`,
    ])
    .join("\n");
}

/** For the ticket. */
export function recordMarkdown(entries: readonly ShownEntry[]): string {
  return entries
    .flatMap((entry) => [
      `**${entry.seq}** ${summary(entry)}`,
      "",
      ...lines(entry).map((line) => `- ${line}`),
      `- sha256 \`${entry.hash}\``,
      "",
    ])
    .join("\n")
    .trimEnd();
}

/**
 * Refuses a record that is not what was written.
 * @param known a hash from a ticket that has to be in it.
 * @throws {OperationError} `record` with every line that is wrong.
 */
export function verified(
  { path, lines: all, problems }: RecordText,
  known?: string,
): { readonly entries: number; readonly head: string | null } {
  const missing =
    known === undefined || all.some((line) => lineHash(line) === known)
      ? []
      : [{ line: 0, problem: `has no line with the hash ${known}` }];
  const [first, ...rest] = [...problems, ...missing].map(({ line, problem }) => ({
    code: "record",
    message: `${path}: ${line === 0 ? "the record" : `line ${line}`} ${problem}`,
    fix: "keep the file as it is for whoever looks into it, and compare it with the hashes in your tickets and backups",
  }));
  if (first !== undefined) throw new OperationError([first, ...rest]);
  const last = all.at(-1);
  return { entries: all.length, head: last === undefined ? null : lineHash(last) };
}
