import { failuresOf } from "./exit.ts";
import { checkPlan, ledgerLine, replacedFor, rotationOf, type Rotation, type RotationTarget } from "./rotation.ts";
import { recordRotation } from "./rotation-record.ts";
import type { GatehouseStack } from "./stack.ts";

export interface Rotated {
  readonly rotation: Rotation;
  readonly seconds: number;
  /** File that has the record of it. */
  readonly record: string;
}

/**
 * Rotates one credential in a closed loop: reads the new value by its reference, refuses the one that serves already and
 * a plan that changes anything else, applies, and takes the node's proof. A gate that fails has returned to the previous
 * generation by itself. Every attempt that got as far as a node is on record.
 * @throws {OperationError} with causes and fixes.
 */
export async function rotate(stack: GatehouseStack, target: RotationTarget): Promise<Rotated> {
  const outputs = await stack.outputs();
  const before = ledgerLine(outputs, target);
  const run = { begun: false };
  try {
    const report = await stack.up({
      replace: replacedFor(before),
      inspect: (changes) => {
        checkPlan(changes, target, outputs);
        run.begun = true;
      },
    });
    const rotation = rotationOf(target, before, report.outputs);
    const record = await recordRotation(stack.stateDir, stack.name, { outcome: "rotated", rotation }, new Date());
    return { rotation, seconds: report.seconds, record };
  } catch (error) {
    if (run.begun) {
      const failures = failuresOf(error);
      await recordRotation(stack.stateDir, stack.name, { outcome: "failed", target, failures }, new Date());
    }
    throw error;
  }
}
