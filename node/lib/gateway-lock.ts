import type { Context } from "../phase.ts";
import type { GatewayHome } from "./gateway-home.ts";
import { withLock } from "./lock.ts";

/** A switch may take as long as a slow start plus the return to the previous generation. */
const WAIT_SECONDS = 600;

/** Serialises everyone who changes one gateway's files: phases, the dead-man timer, a boot. Runs as the gateway user. */
export async function withGatewayLock<T>(home: GatewayHome, context: Context, work: () => Promise<T>): Promise<T> {
  const { progress, signal } = context;
  return await withLock({ path: home.lock, what: "this gateway", waitSeconds: WAIT_SECONDS, progress, signal }, work);
}
