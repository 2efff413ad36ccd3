import { EXIT } from "../protocol.ts";
import type { MachineExpectation } from "../protocol.ts";
import { PhaseFailure } from "./failure.ts";

/** Checks one value; throws a `PhaseFailure` that names the field and the expected shape, never the value. */
export type Shape<T> = (value: unknown, path: string) => T;

interface OptionalField<T> {
  readonly optional: Shape<T>;
}

type IsOptional<T, K extends keyof T> = object extends Pick<T, K> ? true : false;
type Fields<T> = {
  readonly [K in keyof T]-?: IsOptional<T, K> extends true ? OptionalField<Exclude<T[K], undefined>> : Shape<T[K]>;
};

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

function mismatch(path: string, expected: string, found: string): PhaseFailure {
  return new PhaseFailure({
    layer: "runtime",
    code: "payload",
    message: `${path}: expected ${expected}, got ${found}`,
    fix: "run this program only through gatehouse, which sends the payload its version understands",
    exit: EXIT.usage,
  });
}

export const text: Shape<string> = (value, path) => {
  if (typeof value !== "string" || value === "")
    throw mismatch(path, "a non-empty string", value === "" ? "an empty one" : kindOf(value));
  return value;
};

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

export const textOrNull: Shape<string | null> = nullable(text);

/** A string that matches `pattern`; `expected` says so in words. */
export function textLike(pattern: RegExp, expected: string): Shape<string> {
  return (value, path) => {
    const checked = text(value, path);
    if (!pattern.test(checked)) throw mismatch(path, expected, "another string");
    return checked;
  };
}

export const flag: Shape<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw mismatch(path, "true or false", kindOf(value));
  return value;
};

/** One of these words. */
export function oneOf<W extends string>(...words: readonly W[]): Shape<W> {
  return (value, path) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw mismatch(path, `one of ${words.join(", ")}`, kindOf(value));
    return found;
  };
}

export function integer(minimum: number, maximum: number): Shape<number> {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < minimum || value > maximum) {
      throw mismatch(
        path,
        `a whole number from ${minimum} to ${maximum}`,
        typeof value === "number" ? "another number" : kindOf(value),
      );
    }
    return value;
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw mismatch(path, "an array", kindOf(value));
    return value.map((entry: unknown, index) => item(entry, `${path}[${index}]`));
  };
}

export function optional<T>(shape: Shape<T>): OptionalField<T> {
  return { optional: shape };
}

/** Exactly these fields: a missing one and an unknown one are both errors. */
export function object<T>(fields: Fields<T>): Shape<T> {
  const entries = Object.entries<Shape<unknown> | OptionalField<unknown>>(fields);
  const known = new Set(entries.map(([name]) => name));
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw mismatch(path, "an object", kindOf(value));
    const source = value as Record<string, unknown>;
    for (const name of Object.keys(source)) {
      if (!known.has(name))
        throw mismatch(path, `only the fields ${[...known].join(", ")}`, `also '${name.slice(0, 40)}'`);
    }
    const result: Record<string, unknown> = {};
    for (const [name, field] of entries) {
      const given = source[name];
      if (typeof field === "function") result[name] = field(given, `${path}.${name}`);
      else if (given !== undefined) result[name] = field.optional(given, `${path}.${name}`);
    }
    return result as T;
  };
}

// Shapes that several phases share. Names and paths repeat the rules of spec/names.ts: this side checks again because
// they end up in file names and argument vectors of a root process.
export const gatewayName = textLike(
  /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
  "a gateway or agent name (lower-case letters, digits, '-')",
);
export const userName = textLike(/^(?!root$)[a-z_][a-z0-9_-]{0,30}$/, "a user name other than root");
export const absolutePath = textLike(
  /^(?!.*\/\.\.?(\/|$))(\/[A-Za-z0-9._@+-]+)+$/,
  "an absolute path without '.' and '..' parts",
);
export const directoryName = textLike(/^(?!\.)[A-Za-z0-9._-]{1,128}$/, "a plain directory name");
export const machineId = textLike(/^[0-9A-Fa-f-]{8,64}$/, "a machine id (hex digits and '-')");

export const variableName = textLike(/^[A-Z][A-Z0-9_]{0,127}$/, "an environment variable name");

export const machineExpectation: Shape<MachineExpectation> = object<MachineExpectation>({
  machineId: optional(machineId),
});
