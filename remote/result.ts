import { RESULT_MARK } from "../node/protocol.ts";
import type { PhaseResult } from "../node/protocol.ts";

/**
 * The value on the result line, the last one of a phase's stdout.
 * @throws {Error} when there is none: then something on the node answers in place of the phase.
 */
export function resultValue(phase: string, stdout: string): unknown {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (!line.startsWith(RESULT_MARK)) {
    throw new Error(
      `phase ${phase} ended without a result line (${stdout.length} characters on stdout); check that the login shell of the SSH user prints nothing by itself`,
    );
  }
  const result = JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<unknown>;
  if (!result.ok)
    throw new Error(`phase ${phase} failed [${result.error.layer}/${result.error.code}]: ${result.error.message}`);
  return result.value;
}
