import type { ResourceValidation, ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { EXCEPTIONS_SCHEMA, excepted, exceptionsOf } from "./exceptions.ts";
import { Fleet } from "./fleet.ts";
import { schemaOf } from "./parameters.ts";
import type { Resource } from "./resource.ts";
import type { Rule } from "./rule.ts";
import { hideTokens } from "./token-shapes.ts";

/** Type token of a URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function typeOf(urn: string | undefined): string {
  return urn?.split("::")[2]?.split("$").at(-1) ?? "";
}

/** A resource as the engine shows it to a policy. */
function resourceOf(args: Pick<ResourceValidationArgs, "urn" | "type" | "name" | "props" | "opts">): Resource {
  return {
    urn: args.urn,
    type: args.type,
    name: args.name,
    parentType: typeOf(args.opts.parent),
    props: args.props,
    secretOutputs: args.opts.additionalSecretOutputs,
  };
}

/** What a rule has to say of a resource after its exceptions, as people read it. */
export function violationsOf(
  rule: Rule,
  resource: Resource,
  given: unknown,
  surroundings: { readonly fleet: Fleet; readonly now: Date },
): readonly string[] {
  surroundings.fleet.record(resource);
  const problems = rule.judge(resource, given, surroundings);
  const left = excepted(problems, resource.name, exceptionsOf(rule.id, given), surroundings.now);
  const help = `Fix: ${rule.fix}. See docs/policies.md#${rule.id.toLowerCase()}`;
  // the last line of defence: whatever a program put where a name belongs
  return left.map((problem) => hideTokens(`${rule.id} ${rule.title}: ${resource.name}: ${problem}. ${help}`));
}

/** The rules as CrossGuard runs them: one memory of the stack, and the operator's clock. */
export function toPolicies(rules: readonly Rule[], clock: () => Date): ResourceValidationPolicy[] {
  const fleet = new Fleet();
  return rules.map((rule) => ({
    name: rule.id,
    displayName: rule.title,
    description: `${rule.title}. ${rule.why}`,
    enforcementLevel: rule.severity,
    remediationSteps: rule.fix,
    configSchema: {
      properties: {
        ...Object.fromEntries(Object.entries(rule.parameters).map(([name, one]) => [name, schemaOf(one)])),
        exceptions: EXCEPTIONS_SCHEMA,
      },
    },
    validateResource: forType(rule.only, (args, reportViolation) => {
      const surroundings = { fleet, now: clock() };
      for (const text of violationsOf(rule, resourceOf(args), args.getConfig<object>(), surroundings))
        reportViolation(text);
    }),
  }));
}

/**
 * A validation that is run for one type: @pulumi/policy 1.21.0 unpacks every resource anew for every policy, and spares
 * that where the function names its type as the generated classes of a provider do.
 */
function forType(type: string | undefined, validate: ResourceValidation): ResourceValidation {
  return type === undefined ? validate : Object.assign(validate, { __pulumiType: type });
}
