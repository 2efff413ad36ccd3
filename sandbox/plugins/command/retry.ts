import { setTimeout as sleep } from "node:timers/promises";
import { PluginError } from "../shared/plugin-error.ts";

const FIRST_DELAY_MS = 100;
const BACKOFF = 1.5;
const MAX_DELAY_MS = 5_000;

/**
 * Tries until it works or more than `limit` attempts have failed (-1: for ever). Every error counts, a refused key too:
 * that is what the official plugin does.
 * @throws {PluginError} with the last error.
 */
export async function withDialRetries<T>(limit: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  let delay = FIRST_DELAY_MS;
  for (let failed = 1; ; failed += 1) {
    try {
      return await attempt();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (signal.aborted) throw new PluginError(`cancelled: ${message}`);
      if (limit > -1 && failed > limit) {
        throw new PluginError(`after ${failed} failed attempt${failed === 1 ? "" : "s"}: ${message}`);
      }
    }
    await sleep(delay, undefined, { signal }).catch(() => undefined);
    delay = Math.min(delay * BACKOFF, MAX_DELAY_MS);
  }
}
