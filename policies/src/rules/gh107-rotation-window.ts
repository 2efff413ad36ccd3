import { environmentKind } from "../environment.ts";
import { Findings, lengthAt, textAt } from "../read.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh107 = defineRule({
  id: "GH107",
  title: "Every credential is rotated in time",
  severity: "mandatory",
  reads:
    "`environmentKind` and `token.rotateEveryDays` of every `Gateway`, `credentials[].rotateEveryDays` of every `Agent`",
  why: "A credential without a date is rotated after the incident. The date that counts is the node's: `gatehouse credentials` lists what is due from the ledger, with the day each running process got its credential.",
  source:
    "step 6 of the field guide's runbook; others' rotation rules failed only when rotation was switched off, never by age",
  fix: "set `rotateEveryDays` of the credential (`tokenRotateEveryDays` of the gateway) to what its environment allows, and rotate it with `gatehouse rotate`",
  parameters: {
    maximumDays: {
      kind: "by-environment",
      default: { prod: 90, staging: 180, dev: 365, ci: 90 },
      doc: "Longest time between two rotations, in days",
    },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== AGENT && type !== GATEWAY) return [];
    const found = new Findings(props);
    const kind = environmentKind(found, props);
    const within = (what: string, days: number | undefined): void => {
      if (days === undefined || kind === undefined) return;
      const most = parameters.maximumDays[kind];
      if (!(days >= 1 && days <= most)) found.add(`${what} is rotated every ${days} days, in ${kind} at most ${most}`);
    };
    if (type === GATEWAY) within("the gateway token", found.needNumber("token", "rotateEveryDays"));
    else {
      found.needItems("credentials");
      for (let index = 0; index < lengthAt(props, "credentials"); index += 1) {
        const provider = textAt(props, "credentials", index, "provider") ?? `credentials[${index}]`;
        within(`the key for ${provider}`, found.needNumber("credentials", index, "rotateEveryDays"));
      }
    }
    return found.problems;
  },
});
