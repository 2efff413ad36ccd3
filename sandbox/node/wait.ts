import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks `probe` every `everyMs` until it answers something other than undefined, or undefined past the deadline. */
export async function waitFor<T>(
  probe: () => Promise<T | undefined>,
  timing: { readonly timeoutMs: number; readonly everyMs: number },
): Promise<T | undefined> {
  const deadline = performance.now() + timing.timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() + timing.everyMs > deadline) return undefined;
    await sleep(timing.everyMs);
  }
}
