import { absent, Findings, keysAt, read } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh106 = defineRule({
  id: "GH106",
  title: "Token and provider key in separate updates",
  severity: "mandatory",
  reads:
    "`tokenFingerprint`, `providerFingerprints` and `change.rotateTogether` of every `Gateway`; the comparison with the inputs before is made by the component's own hook (decision 12)",
  why: "Whoever changes both at once cannot tell which of the two an 'Unauthorized' is about. The hook compares fingerprints, so a gateway that shows none could change both unseen; and its override, left in the fleet, switches it off for good.",
  source: "step 1 of the field guide's runbook; a policy sees no earlier inputs (pulumi/proto/analyzer.proto)",
  fix: "rotate one layer, see that it serves, then the other; take `change.rotateTogether` out when the emergency is over",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }, { now }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    // unknown on a stack's first update, when the key of the fingerprints is made; the hook counts unknown as changed
    if (read(props, "tokenFingerprint").state === "missing") found.need("tokenFingerprint");
    const providers = read(props, "providerFingerprints");
    if (providers.state !== "known") found.add(`providerFingerprints is ${absent(providers)}`);
    else if (keysAt(props, "providerFingerprints").length === 0) found.add("providerFingerprints is not declared");
    if (read(props, "change", "rotateTogether").state === "missing") return found.problems;
    found.needText("change", "rotateTogether", "reason");
    const end = found.needText("change", "window", "to");
    // the negation also refuses what is no date
    if (end !== undefined && !(Date.parse(end) >= now.getTime()))
      found.add("change.rotateTogether is still there although the window of its change is over");
    return found.problems;
  },
});
