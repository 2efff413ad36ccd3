import { createHash } from "node:crypto";

/** What every line of a record has besides its contents. */
export interface Link {
  /** Number of the line, from 1. */
  readonly seq: number;
  /** SHA-256 of the line before, hex digits; null for the first. */
  readonly previous: string | null;
}

/** Kept beside the lines, so that lines cut off at the end are missed. */
export interface Head {
  readonly seq: number;
  /** SHA-256 of the last line. */
  readonly hash: string;
}

/** A line that is not what was written; 0 for the record as a whole. */
export interface ChainProblem {
  readonly line: number;
  readonly problem: string;
}

/** SHA-256 of one line without its newline, hex digits. */
export function lineHash(line: string): string {
  return createHash("sha256").update(line).digest("hex");
}

/** The complete lines of a record; what a killed process left of one after them is no line. */
export function linesOf(text: string): readonly string[] {
  return text.split("\n").slice(0, -1);
}

/** The line that follows `last`, with its place in the chain. */
export function linkedLine(last: string | undefined, seq: number, contents: object): string {
  const link: Link = { seq, previous: last === undefined ? null : lineHash(last) };
  return JSON.stringify({ ...link, ...contents });
}

function linkOf(line: string): Partial<Record<keyof Link, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function problemsOfLine(line: string, index: number, before: string | undefined): ChainProblem[] {
  const link = linkOf(line);
  const at = (problem: string): ChainProblem[] => [{ line: index + 1, problem }];
  if (link === undefined) return at("is no JSON object");
  if (link.seq !== index + 1) return at(`has the number ${String(link.seq)}, not ${index + 1}`);
  if (link.previous !== (before === undefined ? null : lineHash(before)))
    return at("does not follow the line before it: one of the two was changed, put in or taken out");
  return [];
}

/**
 * What is wrong with a record; nothing for one that was only ever added to.
 * @param head null where there is none. A head that is one line behind is what a process leaves that was killed in between.
 */
export function verifyChain(text: string, head: Head | null): readonly ChainProblem[] {
  const lines = linesOf(text);
  const problems = lines.flatMap((line, index) => problemsOfLine(line, index, lines[index - 1]));
  const whole = (problem: string): ChainProblem => ({ line: 0, problem });
  if (head === null) return lines.length === 0 ? problems : [...problems, whole("its head is missing")];
  if (head.seq > lines.length)
    return [...problems, whole(`ends at line ${lines.length}; ${head.seq} were written: lines are cut off at the end`)];
  const marked = lines[head.seq - 1];
  if (marked === undefined || lineHash(marked) !== head.hash)
    return [...problems, { line: head.seq, problem: "is not what was written last: it was changed" }];
  return lines.length - head.seq > 1
    ? [...problems, whole(`has ${lines.length - head.seq} lines after the one that was written last`)]
    : problems;
}
