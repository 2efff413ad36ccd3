import { UnknownValueError } from "@pulumi/policy";

/** One field of a resource as a rule sees it. `missing` and `unknown` are never a pass. */
export type Reading =
  { readonly state: "known"; readonly value: unknown } | { readonly state: "missing" } | { readonly state: "unknown" };

/** Reads `path` lazily: the engine's proxy throws on any value that is not known at preview. */
export function read(props: unknown, ...path: readonly (string | number)[]): Reading {
  try {
    let value: unknown = props;
    for (const key of path) {
      if (value === null || value === undefined) return { state: "missing" };
      value = (value as Record<string | number, unknown>)[key];
    }
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
