import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Failure } from "./error.ts";
import { targetText, type Rotation, type RotationTarget } from "./rotation.ts";

/** JSON lines in a stack's state directory, one for each attempt; 0600, append only, no secret. */
const RECORD = "rotations.jsonl";

export type Attempt =
  | { readonly outcome: "rotated"; readonly rotation: Rotation }
  | { readonly outcome: "failed"; readonly target: RotationTarget; readonly failures: readonly Failure[] };

function entryOf(attempt: Attempt): object {
  if (attempt.outcome === "failed") {
    const { outcome, target, failures } = attempt;
    return {
      credential: targetText(target),
      outcome,
      failures: failures.map(({ code, message }) => ({ code, message })),
    };
  }
  const { target, before, after, ...rotation } = attempt.rotation;
  const seen = ({ ref, fingerprint, masked, rotated }: typeof after): object => ({ ref, fingerprint, masked, rotated });
  return {
    credential: targetText(target),
    outcome: attempt.outcome,
    before: seen(before),
    after: seen(after),
    ...rotation,
  };
}

/** Adds one attempt to the record. Returns the record's path. */
export async function recordRotation(stateDir: string, stack: string, attempt: Attempt, now: Date): Promise<string> {
  const path = join(stateDir, RECORD);
  const file = await open(path, "a", 0o600);
  try {
    await file.appendFile(`${JSON.stringify({ time: now.toISOString(), stack, ...entryOf(attempt) })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}
