import type { EnforcementLevel } from "@pulumi/policy";
import type { Fleet } from "./fleet.ts";
import type { Problem } from "./read.ts";
import { valuesOf, type Parameters, type Values } from "./parameters.ts";
import type { Resource } from "./resource.ts";

/** What a rule decides with besides the resource. */
export interface Surroundings {
  /** Every component of the stack that was seen so far, the resource itself included. */
  readonly fleet: Fleet;
  readonly now: Date;
}

/** One entry of the checklist: the pack and `docs/policies.md` are made from it. */
interface RuleTexts {
  /** Stable: `GH501`. */
  readonly id: string;
  readonly title: string;
  readonly severity: Extract<EnforcementLevel, "advisory" | "mandatory">;
  /** Which fields of which resources decide. */
  readonly reads: string;
  readonly why: string;
  /** Where the reason comes from. */
  readonly source: string;
  readonly fix: string;
  /** The one type of resource that it looks at; absent where there are several. */
  readonly only?: string;
}

interface RuleDefinition<P extends Parameters> extends RuleTexts {
  readonly parameters: P;
  /** What is wrong with this resource, one sentence each; nothing for a resource that is no concern of the rule. */
  readonly check: (
    resource: Resource,
    context: Surroundings & { readonly parameters: Values<P> },
  ) => readonly Problem[];
}

export interface Rule extends RuleTexts {
  readonly parameters: Parameters;
  /**
   * What is wrong with this resource.
   * @param given parameters that differ from the defaults.
   * @throws {ParameterError} for parameters that the rule does not have.
   */
  readonly judge: (resource: Resource, given: unknown, surroundings: Surroundings) => readonly Problem[];
}

/** A rule whose parameters are read, checked and filled in. */
export function defineRule<P extends Parameters>({ check, ...rule }: RuleDefinition<P>): Rule {
  return {
    ...rule,
    judge: (resource, given, surroundings) =>
      check(resource, { ...surroundings, parameters: valuesOf(rule.id, rule.parameters, given) }),
  };
}
