import type { Failure } from "./error.ts";
import type { PolicyViolation } from "./events.ts";

/** Our own pack ends its messages with `. Fix: …`; the engine puts the policy's description on a line before them. */
export function policyFailure({ policy, resource, message }: PolicyViolation): Failure {
  const own = message.slice(Math.max(0, message.lastIndexOf(`\n${policy} `) + 1));
  const [what = own, fix] = own.split(/\. Fix: (.*)/s);
  return {
    code: "policy",
    resource,
    message: what.replace(`: ${resource}: `, ": "),
    fix: fix ?? "change the fleet so that it complies (docs/policies.md explains each policy)",
  };
}
