import { dirname } from "node:path";
import { removeLeftovers, writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { Context } from "../phase.ts";
import type { LogStart } from "../platform/services.ts";
import { EXIT } from "../protocol.ts";
import type { Samples } from "./catalogue.ts";
import { counted } from "./count.ts";
import { exposition } from "./exposition.ts";
import { observe } from "./observe.ts";
import { readRecord, textfile, withMetricsLock } from "./record.ts";
import type { MetricsRecord } from "./record.ts";
import { samplesOf } from "./samples.ts";
import { emptyState, readState, writeState } from "./state.ts";
import type { MetricsState } from "./state.ts";

/** The state after everything that the unit logged since; the old one where the log can't be read. */
async function readOn(
  state: MetricsState,
  { unit, settings }: MetricsRecord,
  context: Context,
): Promise<{ readonly state: MetricsState; readonly journal: boolean }> {
  const start: LogStart = state.position === null ? { since: new Date(state.since) } : { position: state.position };
  let next = state;
  try {
    const position = await context.platform.services.readLog(unit, start, (entry) => {
      next = counted(next, entry, settings.credentials);
    });
    return { state: { ...next, position: position ?? state.position }, journal: true };
  } catch (error) {
    context.signal.throwIfAborted();
    context.progress(error instanceof PhaseFailure ? error.message : "the log can't be read");
    return { state, journal: false };
  }
}

function metricsOff(): PhaseFailure {
  return new PhaseFailure({
    layer: "config or disk",
    code: "metrics-off",
    message: "no metrics are collected for this gateway",
    fix: "leave `metrics.enabled` of its node at true and run `gatehouse up`",
    exit: EXIT.unavailable,
  });
}

/**
 * Reads on in the log, looks at the gateway, and replaces state and textfile. Runs as the gateway's user. Killed before the
 * state is written, the next run reads the same entries again and counts them for the first time; killed after it, the
 * next run writes the textfile.
 * @throws {PhaseFailure} `metrics-off`.
 */
export async function collect(home: GatewayHome, context: Context): Promise<Samples> {
  const record = await readRecord(home);
  if (record === null) throw metricsOff();
  return await withMetricsLock(home, context, async () => {
    for (const directory of [home.metrics, dirname(textfile(context, record.gateway))])
      await removeLeftovers(directory);
    const before = (await readState(home, context.progress)) ?? emptyState(new Date());
    const [{ state, journal }, seen] = await Promise.all([
      readOn(before, record, context),
      observe(record.gateway, record.settings, home, context),
    ]);
    await writeState(home, state);
    const observed = { ...seen, sources: { journal, ...seen.sources } };
    const samples = samplesOf(record.gateway, record.settings, state, observed);
    await writeFileAtomic(textfile(context, record.gateway), exposition(samples), { mode: 0o644 });
    return samples;
  });
}
