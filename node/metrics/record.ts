import { join } from "node:path";
import { unitName } from "../generation/manifest.ts";
import { ensureDirectory } from "../lib/atomic.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { withLock } from "../lib/lock.ts";
import { gatewayName, object } from "../lib/shape.ts";
import type { Context } from "../phase.ts";
import type { MetricsSettings } from "../protocol.ts";
import { metricsSettings } from "./settings.ts";

/** The settings with what they are about. */
export interface MetricsRecord {
  readonly gateway: string;
  readonly unit: string;
  readonly settings: MetricsSettings;
}

export const metricsRecord = object<MetricsRecord>({
  gateway: gatewayName,
  unit: unitName,
  settings: metricsSettings,
});

/** Null where metrics are off. */
export async function readRecord(home: GatewayHome): Promise<MetricsRecord | null> {
  return await readJsonOrNull(home.metricsSettings, metricsRecord);
}

/** Written by the gateway's user, read by anybody on the machine. */
export function textfile(context: Context, gateway: string): string {
  return join(context.paths.metrics, gateway, "metrics.prom");
}

/** One writer at a time: the timer's run, or a visit. */
export async function withMetricsLock<T>(home: GatewayHome, context: Context, work: () => Promise<T>): Promise<T> {
  await ensureDirectory(home.metrics, { mode: 0o700 });
  const { progress, signal } = context;
  const path = join(home.metrics, "lock.sqlite");
  return await withLock({ path, what: "the metrics of this gateway", progress, signal }, work);
}
