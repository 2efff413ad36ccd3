import { Findings, lengthAt } from "../read.ts";
import { placeOf, shown } from "../reference.ts";
import { AGENT, GATEWAY, OTHER_STACK } from "../resource.ts";
import { defineRule } from "../rule.ts";

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
    const found = new Findings(resource.props);
    if (resource.type === OTHER_STACK) {
      found.need("credentials");
      for (let index = 0; index < lengthAt(resource.props, "credentials"); index += 1) {
        found.needText("credentials", index, "environment");
        found.needText("credentials", index, "ref");
      }
      return found.problems;
    }
    if (resource.type !== AGENT && resource.type !== GATEWAY) return [];
    const environment = found.needText("environment");
    if (environment === undefined) return found.problems;
    for (const { reference } of fleet.usesOf(resource)) {
      for (const use of fleet.usesAtPlace(reference)) {
        if (use.environment !== undefined && use.environment !== environment)
          found.add(`${shown(reference)} is also used in environment ${use.environment}, by ${use.name}`, use.name);
      }
      for (const line of parameters.otherStacks) {
        const [other = "", ...rest] = line.split(" ");
        if (other !== environment && placeOf(rest.join(" ")) === placeOf(reference))
          found.add(`${shown(reference)} is also used in environment ${other} of another stack`);
      }
    }
    return found.problems;
  },
});
