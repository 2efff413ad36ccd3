import type { PolicyConfigSchema } from "@pulumi/policy";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "./resource.ts";

/** JSON Schema as the engine takes it for one parameter. */
export type JsonSchema = PolicyConfigSchema["properties"][string];

interface NumberParameter {
  readonly kind: "number";
  readonly default: number;
  readonly doc: string;
}
interface TextsParameter {
  readonly kind: "texts";
  readonly default: readonly string[];
  readonly doc: string;
}
/** One number for each kind of environment; a configuration may name some of them. */
interface ByEnvironmentParameter {
  readonly kind: "by-environment";
  readonly default: Readonly<Record<EnvironmentKind, number>>;
  readonly doc: string;
}
type Parameter = NumberParameter | TextsParameter | ByEnvironmentParameter;

/** The parameters of a rule, by name. */
export type Parameters = Readonly<Record<string, Parameter>>;
export type Values<P extends Parameters> = { readonly [K in keyof P]: ValueOf<P[K]> };
type ValueOf<T extends Parameter> = T extends NumberParameter
  ? number
  : T extends TextsParameter
    ? readonly string[]
    : Readonly<Record<EnvironmentKind, number>>;

/** A configuration of the pack that cannot be used. */
export class ParameterError extends Error {
  override readonly name = "ParameterError";

  constructor(rule: string, problem: string) {
    super(
      `${rule}: ${problem}. Fix: correct the file given with --policy-pack-config; docs/policies.md lists the parameters`,
    );
    // what the engine prints of an error of a policy
    this.stack = this.message;
  }
}

/** Names that every rule takes besides its own. */
export const COMMON_NAMES: readonly string[] = ["enforcementLevel", "exceptions"];

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function entries(value: unknown): [string, unknown][] | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined;
}

function valueOf(rule: string, name: string, parameter: Parameter, given: unknown): unknown {
  if (given === undefined) return parameter.default;
  switch (parameter.kind) {
    case "number":
      if (isCount(given)) return given;
      throw new ParameterError(rule, `parameter '${name}' takes a whole number from 0`);
    case "texts":
      if (Array.isArray(given) && given.every((text) => typeof text === "string")) return given;
      throw new ParameterError(rule, `parameter '${name}' takes a list of texts`);
    case "by-environment": {
      const found = entries(given);
      const kinds: readonly string[] = ENVIRONMENT_KINDS;
      if (found?.every(([kind, value]) => kinds.includes(kind) && isCount(value)))
        return { ...parameter.default, ...Object.fromEntries(found) };
      throw new ParameterError(rule, `parameter '${name}' takes whole numbers by ${ENVIRONMENT_KINDS.join(", ")}`);
    }
  }
}

/**
 * Every parameter of a rule: what was given, else its default.
 * @throws {ParameterError} for a name that the rule does not have, or another type.
 */
export function valuesOf<P extends Parameters>(rule: string, parameters: P, given: unknown): Values<P> {
  const found = new Map(entries(given) ?? []);
  const unknown = [...found.keys()].filter((name) => !(name in parameters) && !COMMON_NAMES.includes(name));
  if (unknown.length > 0) {
    const known = [...Object.keys(parameters), ...COMMON_NAMES];
    throw new ParameterError(rule, `there is no parameter '${unknown.join("', '")}'; there are ${known.join(", ")}`);
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => [name, valueOf(rule, name, parameter, found.get(name))]),
  ) as Values<P>;
}

/** What the engine checks of a parameter, and what it fills in. */
export function schemaOf(parameter: Parameter): JsonSchema {
  const count: JsonSchema = { type: "integer", minimum: 0 };
  const common = { description: parameter.doc };
  switch (parameter.kind) {
    case "number":
      return { ...common, ...count, default: parameter.default };
    case "texts":
      return { ...common, type: "array", items: { type: "string" }, default: [...parameter.default] };
    case "by-environment":
      return {
        ...common,
        type: "object",
        properties: Object.fromEntries(ENVIRONMENT_KINDS.map((kind) => [kind, count])),
        additionalProperties: false,
      };
  }
}
