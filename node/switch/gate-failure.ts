import { PhaseFailure } from "../lib/failure.ts";
import { EXIT } from "../protocol.ts";
import type { Layer } from "../protocol.ts";

/** What a started generation has to show and does not. */
export function gateFailure(layer: Layer, code: string, message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer, code, message, fix, exit: EXIT.gate });
}
