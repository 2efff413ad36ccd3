import { environmentKind } from "../environment.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh108 = defineRule({
  id: "GH108",
  title: "A change carries its record",
  severity: "mandatory",
  reads: "`environmentKind` and `change` of every `Gateway`",
  why: "After an outage the first questions are who decided it, when it was allowed, what it could break and what to go back to. The record is kept in the state with the update that it belongs to.",
  source:
    "step 6 of the field guide's runbook; a policy sees no earlier inputs, so it asks of every update what a change needs",
  fix: "declare `change` with `ticket`, `window`, `blastRadius` and `rollbackPoint` on the fleet or on the gateway",
  only: GATEWAY,
  parameters: {
    environments: { kind: "texts", default: ["prod"], doc: "Kinds of environment in which a record is needed" },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const kind = environmentKind(found, props);
    if (kind === undefined || !parameters.environments.includes(kind)) return found.problems;
    if (found.need("change") === undefined) return found.problems;
    for (const field of ["ticket", "blastRadius", "rollbackPoint"]) found.needText("change", field);
    const [from, to] = [found.needText("change", "window", "from"), found.needText("change", "window", "to")];
    // the negation also refuses what is no date
    if (from !== undefined && to !== undefined && !(Date.parse(from) < Date.parse(to)))
      found.add("change.window does not end after it begins");
    return found.problems;
  },
});
