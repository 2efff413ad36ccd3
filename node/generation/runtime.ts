import { access } from "node:fs/promises";
import { PhaseFailure } from "../lib/failure.ts";
import { EXIT } from "../protocol.ts";
import type { Manifest } from "./manifest.ts";

/** @throws {PhaseFailure} `runtime-missing` when what the generation runs with is not on the node. */
export async function requireRuntime({ nodePath, cliPath, runtimeId }: Manifest): Promise<void> {
  try {
    await Promise.all([access(nodePath), access(cliPath)]);
  } catch (error) {
    throw new PhaseFailure({
      layer: "runtime",
      code: "runtime-missing",
      message: `the runtime ${runtimeId} is not installed on this node`,
      fix: "install it again: `pulumi up --replace` with the URN of this node's runtime phase",
      exit: EXIT.unavailable,
      cause: error,
    });
  }
}
