import { UnknownValueError } from "@pulumi/policy";

/** One field of a resource as a rule sees it. `missing` and `unknown` are never a pass. */
export type Reading =
  { readonly state: "known"; readonly value: unknown } | { readonly state: "missing" } | { readonly state: "unknown" };

/** What `pulumi policy analyze --file` shows of a secret that it cannot decrypt. */
const SEALED = "[secret]";

export type Path = readonly (string | number)[];

/** Reads `path` lazily: the engine's proxy throws on any value that is not known at preview. */
export function read(props: unknown, ...path: Path): Reading {
  try {
    let value: unknown = props;
    for (const key of path) {
      if (value === null || value === undefined) return { state: "missing" };
      if (value === SEALED) return { state: "unknown" };
      value = (value as Record<string | number, unknown>)[key];
    }
    if (value === SEALED) return { state: "unknown" };
    return value === undefined || value === null ? { state: "missing" } : { state: "known", value };
  } catch (error) {
    if (error instanceof UnknownValueError) return { state: "unknown" };
    throw error;
  }
}

/** How a rule words a value that it needs and does not have. */
export function absent(reading: Exclude<Reading, { state: "known" }>): string {
  return reading.state === "missing" ? "not declared" : "unknown at preview";
}

/** The text at `path`; undefined for anything else. For what another rule, or another line of this one, demands. */
export function textAt(props: unknown, ...path: Path): string | undefined {
  const found = read(props, ...path);
  return found.state === "known" && typeof found.value === "string" ? found.value : undefined;
}

/** Number of items of the list at `path`; 0 for anything else. */
export function lengthAt(props: unknown, ...path: Path): number {
  const found = read(props, ...path);
  return found.state === "known" && Array.isArray(found.value) ? found.value.length : 0;
}

/** Names of the fields of the object at `path`; none for anything else. */
export function keysAt(props: unknown, ...path: Path): readonly string[] {
  const found = read(props, ...path);
  return found.state === "known" && typeof found.value === "object" ? Object.keys(found.value as object) : [];
}

/** The texts of the list at `path`; what is no text, or not known, is left out. */
export function textsAt(props: unknown, ...path: Path): readonly string[] {
  return Array.from({ length: lengthAt(props, ...path) }, (_, index) => textAt(props, ...path, index)).filter(
    (text) => text !== undefined,
  );
}

function fieldName(path: Path): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${part}`))
    .join("");
}

/** What is wrong with a resource; with the names of others that it takes for that. */
export type Problem = string | { readonly text: string; readonly others: readonly string[] };

export function textOf(problem: Problem): string {
  return typeof problem === "string" ? problem : problem.text;
}

/** Collects what is wrong with one resource. A message names fields and what they should be, never what they are. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #props: unknown;

  constructor(props: unknown) {
    this.#props = props;
  }

  /** @param others names of the resources that the problem is about as well: it can be excepted at any of them. */
  add(text: string, ...others: readonly string[]): void {
    if (this.problems.some((problem) => textOf(problem) === text)) return;
    this.problems.push(others.length === 0 ? text : { text, others });
  }

  /** The value at `path`; a problem and undefined when it is not there. */
  need(...path: Path): unknown {
    const found = read(this.#props, ...path);
    if (found.state === "known") return found.value;
    this.add(`${fieldName(path)} is ${absent(found)}`);
    return undefined;
  }

  needText(...path: Path): string | undefined {
    const value = this.need(...path);
    if (value === undefined || typeof value === "string") return value;
    this.add(`${fieldName(path)} is no text`);
    return undefined;
  }

  needNumber(...path: Path): number | undefined {
    const value = this.need(...path);
    if (value === undefined || typeof value === "number") return value;
    this.add(`${fieldName(path)} is no number`);
    return undefined;
  }

  /** Number of items of the list at `path`, which has at least one. */
  needItems(...path: Path): number {
    const value = this.need(...path);
    if (value === undefined) return 0;
    const length = lengthAt(this.#props, ...path);
    if (length === 0) this.add(`${fieldName(path)} is not declared`);
    return length;
  }

  /** Demands one value at `path`. */
  expect(wanted: string | number | boolean, ...path: Path): void {
    const value = this.need(...path);
    if (value !== undefined && value !== wanted) this.add(`${fieldName(path)} is not ${JSON.stringify(wanted)}`);
  }

  /** Refuses one value at `path`; nothing there, or something unknown, is left to who needs it. */
  refuse(unwanted: string | boolean, ...path: Path): void {
    const found = read(this.#props, ...path);
    if (found.state === "unknown") this.add(`${fieldName(path)} is unknown at preview`);
    if (found.state === "known" && found.value === unwanted)
      this.add(`${fieldName(path)} is ${JSON.stringify(unwanted)}`);
  }
}
