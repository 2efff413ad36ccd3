import {
  checkPlan,
  ledgerLine,
  replacedFor,
  rotationOf,
  targetText,
  type Rotation,
  type RotationTarget,
} from "./rotation.ts";
import { recorded } from "./record/recorded.ts";
import type { Appended } from "./record/store.ts";
import type { GatehouseStack } from "./stack.ts";

export interface Rotated {
  readonly rotation: Rotation;
  readonly seconds: number;
  readonly record: Appended;
}

/** What the record says of a rotation beyond the change itself. */
function detailOf({ target, before, after, ...rotation }: Rotation): object {
  const seen = ({ ref, fingerprint, masked, rotated }: typeof after): object => ({ ref, fingerprint, masked, rotated });
  return { credential: targetText(target), before: seen(before), after: seen(after), ...rotation };
}

/**
 * Rotates one credential in a closed loop: reads the new value by its reference, refuses the one that serves already and
 * a plan that changes anything else, applies, and takes the node's proof. A gate that fails has returned to the previous
 * generation by itself. Every attempt that got as far as a node is on record.
 * @throws {OperationError} with causes and fixes.
 */
export async function rotate(
  stack: GatehouseStack,
  target: RotationTarget,
  progress: (line: string) => void,
): Promise<Rotated> {
  const outputs = await stack.outputs();
  const before = ledgerLine(outputs, target);
  const { value, record } = await recorded(stack, "rotate", progress, async (begun) => {
    const report = await stack.up({
      replace: replacedFor(before),
      inspect: async (changes) => {
        checkPlan(changes, target, outputs);
        await begun({ credential: targetText(target) });
      },
    });
    const rotation = rotationOf(target, before, report.outputs);
    return {
      value: { rotation, seconds: report.seconds },
      outputs: report.outputs,
      report,
      detail: detailOf(rotation),
    };
  });
  return { ...value, record };
}
