import { environmentKind } from "../environment.ts";
import { Findings, lengthAt, textAt } from "../read.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether this update leaves the credential as it serves; one whose new value is not known yet is another one. */
function stays(props: unknown, credential: string, mark: string): boolean {
  const path = credential === "gateway token" ? ["tokenFingerprint"] : ["providerFingerprints", credential];
  return textAt(props, ...path) === mark;
}

function addOverdue(
  found: Findings,
  props: unknown,
  { late, now }: { readonly late: number | undefined; readonly now: Date },
): void {
  if (found.need("overdue") === undefined) return;
  const overdue = Array.from({ length: lengthAt(props, "overdue") }, (_, index) => ({
    credential: found.needText("overdue", index, "credential"),
    due: Date.parse(found.needText("overdue", index, "due") ?? ""),
    mark: found.needText("overdue", index, "mark"),
  }));
  if (overdue.some(({ due }) => Number.isNaN(due))) found.add("overdue has an entry without a date");
  if (late === undefined) return;
  // a credential that the fleet no longer has leaves with this update
  const left = overdue.filter(({ credential = "", mark = "" }) => stays(props, credential, mark));
  if (left.length < overdue.length) return;
  for (const { credential = "", due } of left) {
    const days = Math.floor((now.getTime() - due) / DAY_MS);
    if (days > late) found.add(`${credential} should have been rotated ${days} days ago, at most ${late} are allowed`);
  }
}

export const gh107 = defineRule({
  id: "GH107",
  title: "Every credential is rotated in time",
  severity: "mandatory",
  reads:
    "`environmentKind`, `token.rotateEveryDays` and `overdue` of every `Gateway` (what the last update's ledger says is due, beside the fingerprints that this update brings), `credentials[].rotateEveryDays` of every `Agent`",
  why: "A credential without a date is rotated after the incident. The date that counts is the node's: the day on which the running process got its credential, as `gatehouse credentials` lists it. An update that rotates one overdue credential of a gateway is not held up by another, since both layers may not change in one.",
  source:
    "step 6 of the field guide's runbook; others' rotation rules failed only when rotation was switched off, never by age",
  fix: "set `rotateEveryDays` of the credential (`tokenRotateEveryDays` of the gateway) to what its environment allows, and rotate it with `gatehouse rotate`; a key that the node reads itself is rotated in its manager, and the update that restarts the gateway needs an exception of that day",
  parameters: {
    maximumDays: {
      kind: "by-environment",
      default: { prod: 90, staging: 180, dev: 365, ci: 90 },
      doc: "Longest time between two rotations, in days",
    },
    lateDays: {
      kind: "by-environment",
      default: { prod: 14, staging: 30, dev: 90, ci: 14 },
      doc: "How many days after its date a credential may still be rotated",
    },
  },
  check: ({ type, props }, { parameters, now }) => {
    if (type !== AGENT && type !== GATEWAY) return [];
    const found = new Findings(props);
    const kind = environmentKind(found, props);
    const within = (what: string, days: number | undefined): void => {
      if (days === undefined || kind === undefined) return;
      const most = parameters.maximumDays[kind];
      if (!(days >= 1 && days <= most)) found.add(`${what} is rotated every ${days} days, in ${kind} at most ${most}`);
    };
    if (type === GATEWAY) {
      within("the gateway token", found.needNumber("token", "rotateEveryDays"));
      addOverdue(found, props, { late: kind && parameters.lateDays[kind], now });
    } else {
      found.needItems("credentials");
      for (let index = 0; index < lengthAt(props, "credentials"); index += 1) {
        const provider = textAt(props, "credentials", index, "provider") ?? `credentials[${index}]`;
        within(`the key for ${provider}`, found.needNumber("credentials", index, "rotateEveryDays"));
      }
    }
    return found.problems;
  },
});
