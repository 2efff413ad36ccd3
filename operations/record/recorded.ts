import { hostname, userInfo } from "node:os";
import { parseFleet } from "../../spec/index.ts";
import { failuresOf } from "../exit.ts";
import type { StackOutputs } from "../outputs.ts";
import { FLEET_KEY } from "../settings.ts";
import type { GatehouseStack, RunReport } from "../stack.ts";
import { entryOf, type Action, type Entry, type EntryInput } from "./entry.ts";
import { append, type Appended } from "./store.ts";

/** What a run that is to be recorded hands over. */
export interface Done<T> {
  readonly value: T;
  /** Of the run; default: read once more. */
  readonly outputs?: StackOutputs;
  readonly report?: Pick<RunReport, "policyViolations">;
  readonly detail?: unknown;
}

export interface Recorded<T> {
  readonly value: T;
  readonly record: Appended;
}

async function outputsOrNull(stack: GatehouseStack): Promise<StackOutputs | null> {
  return await stack.outputs().catch(() => null);
}

async function declaredChange(stack: GatehouseStack): Promise<Entry["change"]> {
  const text = (await stack.settings().catch(() => undefined))?.[FLEET_KEY];
  if (text === undefined) return null;
  const { change } = parseFleet(JSON.parse(text));
  if (change === undefined) return null;
  const { ticket, window, blastRadius, rollbackPoint } = change;
  return { ticket, window, blastRadius, rollbackPoint };
}

/**
 * Does the work and appends what it did to the stack's change record, also when it fails. A failure before `begun` is
 * called has touched nothing and leaves no entry. What the stack said before is read beside the work's preview, until
 * `begun` waits for it.
 */
export async function recorded<T>(
  stack: GatehouseStack,
  action: Action,
  progress: (line: string) => void,
  work: (begun: (detail?: unknown) => Promise<void>) => Promise<Done<T>>,
): Promise<Recorded<T>> {
  const read = Promise.all([outputsOrNull(stack), declaredChange(stack)]);
  read.catch(() => undefined);
  const run: { begun: boolean; detail: unknown } = { begun: false, detail: undefined };
  const add = async (ended: Pick<EntryInput, "after" | "policy" | "failures" | "detail">): Promise<Appended> => {
    const [before, change] = await read;
    const operator = `${userInfo().username}@${hostname()}`;
    const entry = entryOf({ time: new Date(), operator, stack: stack.name, action, change, before, ...ended });
    return await append(stack.stateDir, stack.name, entry, progress);
  };
  let done: Done<T>;
  try {
    done = await work(async (what) => {
      run.begun = true;
      run.detail = what;
      await read;
    });
  } catch (error) {
    const ended = { policy: null, failures: failuresOf(error), detail: run.detail };
    if (run.begun) await add({ ...ended, after: await outputsOrNull(stack) });
    throw error;
  }
  const { value, outputs, report, detail } = done;
  const advisory = report?.policyViolations.map(({ policy, resource }) => `${policy} ${resource}`);
  const policy = advisory === undefined ? null : { advisory };
  const after = outputs ?? (await outputsOrNull(stack));
  return { value, record: await add({ after, policy, failures: [], detail }) };
}
