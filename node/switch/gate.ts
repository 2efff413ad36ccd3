import type { StoredGeneration } from "../generation/store.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { Context } from "../phase.ts";
import type { RotationProof } from "../protocol.ts";
import { gateFailure } from "./gate-failure.ts";
import { liveConfigMatches } from "./live-files.ts";
import { proveRotation } from "./proof.ts";
import { waitUntilReady } from "./start-watch.ts";
import { checkEverything, checkSession } from "./vendor-checks.ts";
import type { StartChecks } from "./vendor-checks.ts";

/**
 * What OpenClaw's own commands are asked: all of it while the process starts, the session alone once it is ready, or
 * nothing, where neither configuration nor token is another one.
 */
export type VendorChecks = "everything" | "session" | "nothing";

export interface GateOptions extends StartChecks {
  readonly checks: VendorChecks;
}

/**
 * Waits for a generation that was just started, and for everything it has to show before it is live: the vendor's own
 * view as far as `checks` says, the credentials of the running process, and a configuration that still means what was
 * written.
 */
export async function passGate(
  home: GatewayHome,
  generation: StoredGeneration,
  context: Context,
  { checks, before, ...watch }: GateOptions,
): Promise<RotationProof> {
  if (checks === "everything") await checkEverything(generation, context, { before, ...watch });
  else await waitUntilReady(generation, context, watch);
  const proof = await proveRotation(generation, before, context);
  if (checks === "session") await checkSession(generation, context);
  if (!(await liveConfigMatches(home, generation))) {
    throw gateFailure(
      "config or disk",
      "config-changed",
      "openclaw.json no longer says what was written: something rewrote it while the gateway started",
      "find out what else manages this gateway (an `openclaw doctor --fix`, a configuration management tool)",
    );
  }
  return proof;
}
