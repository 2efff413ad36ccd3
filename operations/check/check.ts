import type { Failure } from "../error.ts";
import type { PolicyViolation } from "../events.ts";
import { failuresOf } from "../exit.ts";
import { policyFailure } from "../policy-failure.ts";
import type { GatehouseStack } from "../stack.ts";

/** One violation, as the pack tells it; no value of a secret is in it. */
export interface Violation {
  /** `GH107`. */
  readonly rule: string;
  readonly level: "advisory" | "mandatory";
  readonly resource: string;
  /** Title of the rule and what is wrong. */
  readonly message: string;
  readonly fix: string;
}

/** What the policy pack says of a fleet. */
export interface Check {
  /** `undecided` when the preview itself failed: the pack then saw nothing, or not everything. */
  readonly verdict: "clean" | "violations" | "undecided";
  /** Mandatory ones first. Advisory ones alone leave the verdict `clean`. */
  readonly violations: readonly Violation[];
  /** Why it could not be decided; empty otherwise. */
  readonly failures: readonly Failure[];
}

/** Exit statuses of `gatehouse check`. */
export const CHECK_STATUS = { clean: 0, violations: 1, undecided: 2 } as const satisfies Record<
  Check["verdict"],
  number
>;

const RULE = /^(?<rule>GH\d{3}) (?<message>[^]+)$/;

function violationOf({ resource = "", message, fix }: Failure, level: Violation["level"]): Violation {
  const { rule = "unknown", message: own = message } = RULE.exec(message)?.groups ?? {};
  return { rule, level, resource, message: own, fix };
}

/** The verdict of a preview that passed: there may be advisory violations. */
function passed(violations: readonly PolicyViolation[]): Check {
  const advisory = violations.map((violation) => violationOf(policyFailure(violation), "advisory"));
  return { verdict: "clean", violations: advisory, failures: [] };
}

/** The verdict of a preview that failed. */
function failed(failures: readonly Failure[]): Check {
  const others = failures.filter(({ code }) => code !== "policy");
  const violations = failures.filter(({ code }) => code === "policy").map((one) => violationOf(one, "mandatory"));
  return { verdict: others.length > 0 ? "undecided" : "violations", violations, failures: others };
}

/**
 * Asks the policy pack about the fleet of a stack, with a preview; contacts no machine. A stack that can't be opened and a
 * preview that fails for another reason are the verdict `undecided`.
 * @throws {OperationError} `interrupted`.
 */
export async function check(open: () => Promise<Pick<GatehouseStack, "preview">>): Promise<Check> {
  try {
    return passed((await (await open()).preview()).policyViolations);
  } catch (error) {
    const failures = failuresOf(error);
    if (failures.some(({ code }) => code === "interrupted")) throw error;
    return failed(failures);
  }
}
