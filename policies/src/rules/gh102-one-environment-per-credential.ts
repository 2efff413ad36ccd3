import type { Fleet, Use } from "../fleet.ts";
import { Findings, lengthAt, type Problem } from "../read.ts";
import { placeOf, shown } from "../reference.ts";
import { AGENT, GATEWAY, OTHER_STACK, type Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";

function elsewhere(
  found: Findings,
  own: { readonly reference: string; readonly environment: string },
  uses: readonly Use[],
): void {
  for (const { environment, name } of uses) {
    if (environment !== undefined && environment !== own.environment)
      found.add(`${shown(own.reference)} is also used in environment ${environment}, by ${name}`, name);
  }
}

/** Of another stack's ledger, whether it is registered before this stack's gateways or after them. */
function ofOtherStack(resource: Resource, fleet: Fleet): readonly Problem[] {
  const found = new Findings(resource.props);
  found.need("credentials");
  for (let index = 0; index < lengthAt(resource.props, "credentials"); index += 1) {
    found.needText("credentials", index, "environment");
    found.needText("credentials", index, "ref");
  }
  for (const { reference, environment } of fleet.usesOf(resource)) {
    const ours = fleet.usesAtPlace(reference).filter(({ stack }) => stack === undefined);
    if (environment !== undefined) elsewhere(found, { reference, environment }, ours);
  }
  return found.problems;
}

export const gh102 = defineRule({
  id: "GH102",
  title: "One environment for each credential",
  severity: "mandatory",
  reads:
    "`environment` and the references of every `Gateway` and `Agent`, and the ledgers of the fleet's `otherStacks`; for references of a manager its path without the field",
  why: "A key that works in two environments makes a leak of the weaker one a leak of production, and a path that holds the fields of both gives whoever may read one the other.",
  source:
    "the rule of least privilege in the field guide this project was started from: key material for each agent and environment",
  fix: "give each environment a key, and a path in the manager, of its own",
  parameters: {
    otherStacks: {
      kind: "texts",
      default: [],
      doc: "References that stacks use which this run cannot read, as `ENVIRONMENT REFERENCE` (`gatehouse credentials --json` has them); those that it can read belong into the fleet's `otherStacks`",
    },
  },
  check: (resource, { fleet, parameters }) => {
    if (resource.type === OTHER_STACK) return ofOtherStack(resource, fleet);
    if (resource.type !== AGENT && resource.type !== GATEWAY) return [];
    const found = new Findings(resource.props);
    const environment = found.needText("environment");
    if (environment === undefined) return found.problems;
    for (const { reference } of fleet.usesOf(resource)) {
      elsewhere(found, { reference, environment }, fleet.usesAtPlace(reference));
      for (const line of parameters.otherStacks) {
        const [other = "", ...rest] = line.split(" ");
        if (other !== environment && placeOf(rest.join(" ")) === placeOf(reference))
          found.add(`${shown(reference)} is also used in environment ${other} of another stack`);
      }
    }
    return found.problems;
  },
});
