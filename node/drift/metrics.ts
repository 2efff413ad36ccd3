import type { GatewayHome } from "../lib/gateway-home.ts";
import { METRICS_JOB, metricsDifferences } from "../metrics/place.ts";
import type { MetricsRecord } from "../metrics/record.ts";
import { hasTextfileDirectory } from "../metrics/textfile-directory.ts";
import type { Context } from "../phase.ts";
import type { OsUser } from "../platform/index.ts";
import type { DeclaredGateway, Deviation } from "./deviation.ts";

/** How the collection of metrics differs from the declared one, as the gateway's user sees it. */
export async function metricsDeviations(
  home: GatewayHome,
  record: MetricsRecord | null,
  context: Context,
): Promise<Deviation[]> {
  return (await metricsDifferences(home, record, context)).map((detail) => ({
    kind: "metrics",
    what: METRICS_JOB,
    detail,
    likely: "a hand",
    mending: "repair",
  }));
}

/** Root's part of the metrics; the rest is the gateway's user's to see. */
export async function textfileDeviations(own: DeclaredGateway, user: OsUser, context: Context): Promise<Deviation[]> {
  if (own.metrics === undefined || (await hasTextfileDirectory(user, own.gateway, context))) return [];
  const detail = `has not the directory and the link of ${own.gateway}: its metrics are written nowhere`;
  return [{ kind: "metrics", what: context.paths.metrics, detail, likely: "a hand", mending: "repair" }];
}
