import { rename } from "node:fs/promises";
import { writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { integer, list, nullable, object, text, textLike } from "../lib/shape.ts";
import type { Shape } from "../lib/shape.ts";

/** Counts by the values of a metric's labels, joined by a line break. */
export type Counts = Readonly<Record<string, number>>;

/** What is counted, and how far the log was read for it: one file, so that both are written or neither. */
export interface MetricsState {
  /** Where the log begins when nothing was read yet; RFC 3339. */
  readonly since: string;
  /** What `Services.readLog` returned last; null when nothing was read yet. */
  readonly position: string | null;
  readonly starts: number;
  readonly restarts: number;
  /** By reason. */
  readonly gatewayFailures: Counts;
  /** By agent, provider and reason. */
  readonly providerFailures: Counts;
  /** By provider and status. */
  readonly refusedRequests: Counts;
  readonly unparsed: number;
  /** Auth profiles that the running process reported as unavailable. */
  readonly degraded: readonly string[];
}

export function emptyState(now: Date): MetricsState {
  return {
    since: now.toISOString(),
    position: null,
    starts: 0,
    restarts: 0,
    gatewayFailures: {},
    providerFailures: {},
    refusedRequests: {},
    unparsed: 0,
    degraded: [],
  };
}

const count = integer(0, Number.MAX_SAFE_INTEGER);

const counts: Shape<Counts> = (value, path) => {
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return object<Counts>(Object.fromEntries(names.map((name) => [name, count])))(value, path);
};

const shape = object<MetricsState>({
  since: textLike(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "an RFC 3339 date-time in UTC"),
  position: nullable(text),
  starts: count,
  restarts: count,
  gatewayFailures: counts,
  providerFailures: counts,
  refusedRequests: counts,
  unparsed: count,
  degraded: list(text),
});

/**
 * Null where there is none. One that is no state of ours is moved aside: what it counted is gone, which Prometheus takes
 * for a restart of the counters, and no line is counted again.
 */
export async function readState(home: GatewayHome, progress: (message: string) => void): Promise<MetricsState | null> {
  try {
    return await readJsonOrNull(home.metricsState, shape);
  } catch (error) {
    if (!(error instanceof PhaseFailure)) throw error;
    await rename(home.metricsState, `${home.metricsState}.damaged`);
    progress(`${home.metricsState} was damaged and is moved aside: counting begins anew`);
    return null;
  }
}

export async function writeState(home: GatewayHome, state: MetricsState): Promise<void> {
  await writeFileAtomic(home.metricsState, `${JSON.stringify(state)}\n`, { mode: 0o600 });
}
