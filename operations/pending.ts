import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";

const deploymentSchema = z.looseObject({ pending_operations: z.array(z.unknown()).nullish() });

/**
 * Forgets what an interrupted run noted as begun, after a run that succeeded: it has done all of that again. The engine
 * itself would keep such notes for ever and warn at every run.
 */
export async function clearPendingOperations(stack: Stack): Promise<void> {
  const state = await stack.exportStack();
  const deployment = deploymentSchema.parse(state.deployment);
  if ((deployment.pending_operations ?? []).length === 0) return;
  await stack.importStack({ ...state, deployment: { ...deployment, pending_operations: [] } });
}
