import { environmentKind } from "../environment.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh109 = defineRule({
  id: "GH109",
  title: "Enough rollback points",
  severity: "mandatory",
  reads:
    "`environmentKind` and `rollbackPoints` of every `Gateway`: the generations that the node keeps besides the live one",
  why: "A generation that is gone cannot be returned to, whatever a ticket names as rollback point. With a single one, the second change in a row already overwrites the last that was known to be good.",
  source: "Gatehouse: a generation is the complete desired state, so a rollback point is a fact that can be counted",
  fix: "raise `keepGenerations` of the gateway",
  only: GATEWAY,
  parameters: {
    minimum: {
      kind: "by-environment",
      default: { prod: 2, staging: 1, dev: 1, ci: 1 },
      doc: "Generations to be kept besides the live one",
    },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const kind = environmentKind(found, props);
    const points = found.needNumber("rollbackPoints");
    if (kind === undefined || points === undefined) return found.problems;
    const least = parameters.minimum[kind];
    if (!(points >= least)) found.add(`it has ${points} rollback points, in ${kind} at least ${least}`);
    return found.problems;
  },
});
