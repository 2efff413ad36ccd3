import { textOf, type Problem } from "./read.ts";
import { ParameterError, type JsonSchema } from "./parameters.ts";

/** Somebody's decision that a rule does not hold for one resource, for a while. */
export interface Exception {
  /** Name of the resource, as a violation shows it. */
  readonly resource: string;
  /** Who answers for it. */
  readonly owner: string;
  readonly reason: string;
  /** Last day on which it holds, UTC: `2027-01-31`. */
  readonly expires: string;
}

const FIELDS = ["resource", "owner", "reason", "expires"] as const;

export const EXCEPTIONS_SCHEMA: JsonSchema = {
  type: "array",
  description: "Resources that the rule does not hold for: name, owner, reason, and the last day (UTC)",
  items: {
    type: "object",
    properties: {
      resource: { type: "string", minLength: 1 },
      owner: { type: "string", minLength: 1 },
      reason: { type: "string", minLength: 1 },
      expires: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
    },
    required: [...FIELDS],
    additionalProperties: false,
  },
};

/** Milliseconds at which the day after `day` begins, UTC; undefined for what is no day of the calendar. */
function endOf(day: string): number | undefined {
  const start = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== day) return undefined;
  return start + 24 * 60 * 60 * 1000;
}

function isException(value: unknown): value is Exception {
  if (typeof value !== "object" || value === null) return false;
  const given = new Map<string, unknown>(Object.entries(value));
  const texts = FIELDS.every((field) => typeof given.get(field) === "string" && given.get(field) !== "");
  return texts && given.size === FIELDS.length;
}

/**
 * The exceptions of a rule's configuration.
 * @throws {ParameterError} for one without resource, owner, reason or a real day, or with anything else.
 */
export function exceptionsOf(rule: string, given: unknown): readonly Exception[] {
  const list = typeof given === "object" && given !== null ? (given as { exceptions?: unknown }).exceptions : undefined;
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new ParameterError(rule, "'exceptions' takes a list");
  return list.map((one: unknown, index) => {
    if (isException(one) && endOf(one.expires) !== undefined) return one;
    throw new ParameterError(
      rule,
      `exceptions[${index}] needs exactly resource, owner, reason and expires (a day, as in 2027-01-31)`,
    );
  });
}

/**
 * What is left of the problems of a resource after its exceptions, and those of the others that a problem is about; an
 * exception that has expired is a problem itself.
 */
export function excepted(
  problems: readonly Problem[],
  resource: string,
  exceptions: readonly Exception[],
  now: Date,
): readonly string[] {
  const [expired, valid] = [
    exceptions.filter(({ expires }) => now.getTime() >= (endOf(expires) ?? 0)),
    new Set(exceptions.flatMap((one) => (now.getTime() < (endOf(one.expires) ?? 0) ? [one.resource] : []))),
  ];
  const left = problems.filter((problem) => {
    const names = typeof problem === "string" ? [resource] : [resource, ...problem.others];
    return !names.some((name) => valid.has(name));
  });
  const own = valid.has(resource) ? [] : expired.filter((exception) => exception.resource === resource);
  return [
    ...left.map(textOf),
    ...own.map(({ owner, expires }) => `the exception of ${owner} expired on ${expires}: fix it, or decide again`),
  ];
}
