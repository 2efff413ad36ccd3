import type { NodeDrift, NodeRepair } from "../../node/drift/deviation.ts";
import type { PhaseName } from "../../node/protocol.ts";
import { deviationText } from "../../render/deviation-text.ts";
import type { Severity } from "../../sandbox/plugins/command/engine-log.ts";
import { PluginError } from "../../sandbox/plugins/shared/plugin-error.ts";
import { deviationsOf, phasesDue, phasesOf, type Observed, type Subject } from "../subject.ts";
import { isUnreachable, type Unreachable } from "../visit.ts";

/** The node's side, over one SSH connection each. */
export interface Visits {
  readonly look: () => Promise<NodeDrift | Unreachable>;
  readonly repair: () => Promise<NodeRepair | Unreachable>;
}

/** Tells the operator, under the resource. */
export type Say = (severity: Severity, message: string) => void;

const MENDS = { repair: "the next update mends it", up: "the next update mends it", "by hand": "to be mended by hand" };
/** Starts what stands for everything that could not be looked at. */
const UNREACHABLE = "unreachable: ";

/** What the state says after a refresh. A machine that gives no answer keeps what was known, and is a deviation itself. */
export async function afterRefresh(subject: Subject, before: Observed, visits: Visits, say: Say): Promise<Observed> {
  const answer = await visits.look();
  if (isUnreachable(answer)) {
    say("warning", `could not be looked at: ${answer.message}; what was known of it stays. Fix: ${answer.fix}`);
    const known = before.deviations.filter((line) => !line.startsWith(UNREACHABLE));
    return { ...before, deviations: [...known, `${UNREACHABLE}${answer.message}`] };
  }
  const found = deviationsOf(subject, answer);
  const deviations = found.map((one) => deviationText(one, MENDS));
  for (const line of deviations) say("warning", `drift: ${line}`);
  return {
    deviations,
    due: phasesDue(subject, found),
    repeats: before.repeats,
  };
}

/** What the state will say after the update that a preview is of, as far as nobody has to be asked. */
export function plannedUpdate({ due, repeats }: Observed): Observed {
  return { deviations: [], due: [], repeats: counted(repeats, due) };
}

/**
 * Mends on the machine what can be mended there, and makes the phases behind it run again.
 * @throws {PluginError} when the machine can't be reached.
 */
export async function afterUpdate(subject: Subject, before: Observed, visits: Visits, say: Say): Promise<Observed> {
  if (before.deviations.length === 0) return before;
  const answer = await visits.repair();
  if (isUnreachable(answer)) {
    if (answer.kind !== "no answer") throw new PluginError(`${answer.message}\n  fix: ${answer.fix}`);
    say("warning", `the repair failed, its phases run again in full: ${answer.message}. Fix: ${answer.fix}`);
    return {
      deviations: [`unknown: the repair failed: ${answer.message}`],
      due: [],
      repeats: counted(before.repeats, phasesOf(subject)),
    };
  }
  for (const line of answer.done) say("info", line);
  const due = new Set([...before.due, ...phasesDue(subject, deviationsOf(subject, answer.before))]);
  // the phases that now run again mend the rest
  const left = deviationsOf(subject, answer.after).filter(({ mending }) => mending !== "up");
  const deviations = left.map((one) => deviationText(one, MENDS));
  if (deviations.length > 0) say("warning", `still not as declared: ${deviations.join("; ")}`);
  return { deviations, due: [], repeats: counted(before.repeats, [...due]) };
}

function counted(repeats: Observed["repeats"], due: readonly PhaseName[]): Observed["repeats"] {
  return { ...repeats, ...Object.fromEntries(due.map((phase) => [phase, (repeats[phase] ?? 0) + 1])) };
}
