import { z } from "zod";

/** Whether and how often a node's gateways count their authentication failures and report their state for Prometheus. */
export const metricsSchema = z.strictObject({
  /** Collected by a timer of each gateway's user into `/var/lib/gatehouse-metrics/GATEWAY.prom`. */
  enabled: z.boolean().default(true),
  /** Seconds from one collection to the next. */
  intervalSeconds: z.int().min(10).max(3600).default(60),
});
export type MetricsSpec = z.output<typeof metricsSchema>;
