import type { EnforcementLevel } from "@pulumi/policy";

/** What a rule may look at. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  /** Type of the parent resource, empty for a child of the stack. */
  readonly parentType: string;
  readonly props: unknown;
}

/** One entry of the checklist: the pack and `docs/policies.md` are made from it. */
export interface Rule {
  /** Stable: `GH501`. */
  readonly id: string;
  readonly title: string;
  readonly severity: EnforcementLevel;
  /** Which fields of which resources decide. */
  readonly reads: string;
  readonly why: string;
  /** Where the reason comes from. */
  readonly source: string;
  readonly fix: string;
  /** What is wrong with this resource, one sentence each; nothing for a resource that is no concern of the rule. */
  readonly check: (resource: Resource) => readonly string[];
}
