import { z } from "zod";
import { fleetProblems } from "./fleet-rules.ts";
import { fleetSchema, type FleetSpec } from "./fleet.ts";

/** A spec that cannot be used. The message lists every problem as `field: problem`; no value of the input is in it. */
export class SpecError extends Error {
  override readonly name = "SpecError";
  /** What to do about it. */
  readonly fix = "correct the fields named above; `npm run schema` writes a JSON Schema that editors can check against";

  constructor(readonly problems: readonly { readonly field: string; readonly problem: string }[]) {
    super(
      `the fleet spec has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n` +
        problems.map(({ field, problem }) => `  ${field}: ${problem}`).join("\n"),
    );
  }
}

/**
 * Checks a fleet as written and fills in the defaults.
 * @throws {SpecError} listing every problem found.
 */
export function parseFleet(input: unknown): FleetSpec {
  const shape = fleetSchema.safeParse(input);
  if (!shape.success) throw new SpecError(shape.error.issues.flatMap(describeIssue));
  // only on a sound shape: these messages quote names, which an unsound shape could have filled with a secret
  const problems = fleetProblems(shape.data);
  if (problems.length > 0) {
    throw new SpecError(problems.map(({ path, message }) => ({ field: fieldName(path), problem: message })));
  }
  return shape.data;
}

function describeIssue(issue: z.core.$ZodIssue): { field: string; problem: string }[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), problem: "unknown key" }));
  }
  // zod's own texts for wrong types name the expected and received type, never the received value
  return [{ field: fieldName(issue.path), problem: issue.message }];
}

function fieldName(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text.startsWith(".") ? text.slice(1) : text || "fleet";
}
