import { z } from "zod";
import { fleetProblems } from "./fleet-rules.ts";
import { principalProblems } from "./principal-rules.ts";
import { fleetSchema, nodeDesignSchema, type FleetSpec, type NodeDesign } from "./fleet.ts";

/** A spec that cannot be used. The message lists every problem as `field: problem`; no value of the input is in it. */
export class SpecError extends Error {
  override readonly name = "SpecError";
  /** What to do about it. */
  readonly fix = "correct the fields named above; `npm run schema` writes a JSON Schema that editors can check against";

  readonly problems: readonly { readonly field: string; readonly problem: string }[];

  constructor(problems: SpecError["problems"]) {
    super(
      `the fleet spec has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n` +
        problems.map(({ field, problem }) => `  ${field}: ${problem}`).join("\n"),
    );
    this.problems = problems;
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
  const problems = [...fleetProblems(shape.data), ...principalProblems(shape.data)];
  if (problems.length > 0) {
    throw new SpecError(problems.map(({ path, message }) => ({ field: fieldName(path), problem: message })));
  }
  return shape.data;
}

/**
 * Checks one node as a program describes it and fills in the defaults.
 * @throws {SpecError} listing every problem found.
 */
export function parseNode(input: unknown): NodeDesign {
  const shape = nodeDesignSchema.safeParse(input);
  if (!shape.success) throw new SpecError(shape.error.issues.flatMap(describeIssue));
  const named = [...new Set(shape.data.gateways.map(({ environment }) => environment))];
  // what an environment is for is the fleet's to say; the rules that depend on it are not for a single node
  const environments = named.map((name) => ({ name, kind: "dev" as const }));
  const problems = fleetProblems({ otherStacks: [], environments, nodes: [shape.data] });
  if (problems.length > 0) {
    // `nodes[0]` is this node
    throw new SpecError(problems.map(({ path, message }) => ({ field: fieldName(path.slice(2)), problem: message })));
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
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${keyName(String(part))}`)).join("");
  return text.startsWith(".") ? text.slice(1) : text || "fleet";
}

/** A value can end up as a key by a slip of YAML (`{ provider: x, sk-… }`), so what does not look like a field stays hidden. */
function keyName(key: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]{0,23}$/.test(key) ? key : `(a key of ${key.length} characters)`;
}
