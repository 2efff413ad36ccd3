import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../lib/atomic.ts";
import { errnoOf } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import type { Context } from "../phase.ts";
import type { RepeatedJob } from "../platform/services.ts";
import { textfile, withMetricsLock } from "./record.ts";
import type { MetricsRecord } from "./record.ts";
import { emptyState, readState, writeState } from "./state.ts";

export const METRICS_JOB = "gatehouse-metrics";

function jobOf({ unit, settings }: MetricsRecord, context: Context): RepeatedJob {
  return {
    name: METRICS_JOB,
    unit,
    description: "Gatehouse: collect the metrics of this gateway",
    everySeconds: settings.intervalSeconds,
    argv: [join(dirname(context.programFile), "gatehouse-node"), "collect-metrics"],
  };
}

function textOf(record: MetricsRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Makes the gateway's metrics be collected so; what was counted before stays. Runs as the gateway's user. */
export async function placeMetrics(home: GatewayHome, record: MetricsRecord, context: Context): Promise<void> {
  await withMetricsLock(home, context, async () => {
    if ((await readState(home, context.progress)) === null) await writeState(home, emptyState(new Date()));
    if ((await readTextOrNull(home.metricsSettings)) !== textOf(record))
      await writeFileAtomic(home.metricsSettings, textOf(record), { mode: 0o600 });
  });
  await context.platform.services.repeat(jobOf(record, context));
}

/** Undoes `placeMetrics`: timer, settings, counters, textfile. */
export async function removeMetrics(home: GatewayHome, gateway: string, context: Context): Promise<void> {
  await context.platform.services.stopRepeating(METRICS_JOB);
  const directory = dirname(textfile(context, gateway));
  const written = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  for (const name of written) await rm(join(directory, name), { recursive: true });
  await rm(home.metrics, { recursive: true, force: true });
}

/** How the collection differs from the declared one, in words; empty when it runs as declared. */
export async function metricsDifferences(
  home: GatewayHome,
  record: MetricsRecord | null,
  context: Context,
): Promise<readonly string[]> {
  const settings = await readTextOrNull(home.metricsSettings);
  if (record === null) return settings === null ? [] : ["is collected though the fleet does not ask for it"];
  return [
    ...(settings === textOf(record) ? [] : [`${home.metricsSettings} ${settings === null ? "is missing" : "differs"}`]),
    ...(await context.platform.services.repeatDifferences(jobOf(record, context))),
  ];
}
