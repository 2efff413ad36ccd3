/** A member of a parsed answer by its path; undefined when something on the way is missing. */
export function member(json: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[key] : undefined,
    json,
  );
}
