import type { ResourceValidationPolicy } from "@pulumi/policy";
import type { Rule } from "./rule.ts";

/** Type token of a URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function typeOf(urn: string | undefined): string {
  return urn?.split("::")[2]?.split("$").at(-1) ?? "";
}

/** A rule as CrossGuard runs it. Messages carry names, modes and paths, never other property values. */
export function toPolicy(rule: Rule): ResourceValidationPolicy {
  return {
    name: rule.id,
    displayName: rule.title,
    description: `${rule.title}. ${rule.why}`,
    enforcementLevel: rule.severity,
    remediationSteps: rule.fix,
    validateResource: (args, reportViolation) => {
      const resource = { type: args.type, name: args.name, parentType: typeOf(args.opts.parent), props: args.props };
      for (const problem of rule.check(resource)) {
        reportViolation(
          `${rule.id} ${rule.title}: ${args.name}: ${problem}. Fix: ${rule.fix}. See docs/policies.md#${rule.id.toLowerCase()}`,
        );
      }
    },
  };
}
