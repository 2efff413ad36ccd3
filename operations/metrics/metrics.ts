import { METRIC_NAMES } from "../../node/metrics/catalogue.ts";
import type { Sample, Samples } from "../../node/metrics/catalogue.ts";
import { exposition } from "../../node/metrics/exposition.ts";
import type { GatewayMetrics, NodeMetrics } from "../../node/metrics/index.ts";
import type { GatehouseStack } from "../stack.ts";
import { connectTo, isUnreachable, visit } from "../visit/connect.ts";
import type { Unreachable } from "../visit/connect.ts";
import { visitTargets, type VisitTarget } from "../visit/targets.ts";

export interface MetricsOptions {
  /** Nodes or gateways; none: everything. */
  readonly names: readonly string[];
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface NodeAnswer {
  readonly node: string;
  readonly answer: NodeMetrics | Unreachable;
}

/** Exit statuses of `gatehouse metrics`. */
export const METRICS_STATUS = { complete: 0, incomplete: 2 } as const;

export interface FleetMetrics {
  /** Whether every gateway that collects metrics gave them. */
  readonly complete: boolean;
  readonly nodes: readonly NodeAnswer[];
}

async function visitNode(
  { node, connection, programId, machineId, gateways }: VisitTarget,
  { progress, signal }: MetricsOptions,
): Promise<NodeAnswer> {
  const collecting = gateways.filter(({ gateway, metrics }) => {
    if (metrics === undefined) progress(`${node}: ${gateway} collects no metrics (metrics.enabled is false)`);
    return metrics !== undefined;
  });
  if (collecting.length === 0) return { node, answer: { gateways: [] } };
  const connected = await connectTo(connection, signal);
  if ("unreachable" in connected) return { node, answer: connected.unreachable };
  const payload = { machineId, gateways: collecting.map(({ gateway, user, home }) => ({ gateway, user, home })) };
  try {
    const answer = await visit(connected.ssh.client, {
      ...{ programId, name: "metrics", payload },
      progress: (line) => {
        progress(`${node}: ${line}`);
      },
    });
    return { node, answer };
  } finally {
    connected.ssh.close();
  }
}

/**
 * Collects the metrics of the machines now, as their timers do; one SSH connection for each.
 * @throws {OperationError} `input` for a name that the stack does not have.
 */
export async function metrics(stack: GatehouseStack, options: MetricsOptions): Promise<FleetMetrics> {
  const [outputs, settings] = await Promise.all([stack.outputs(), stack.settings()]);
  const targets = await visitTargets(settings, outputs, options.names);
  const nodes = await Promise.all(targets.map((target) => visitNode(target, options)));
  const complete = nodes.every(
    ({ answer }) => !isUnreachable(answer) && answer.gateways.every(({ samples }) => samples !== null),
  );
  return { complete, nodes };
}

function gatewaysOf({ node, answer }: NodeAnswer): readonly (GatewayMetrics & { readonly node: string })[] {
  return isUnreachable(answer) ? [] : answer.gateways.map((gateway) => ({ node, ...gateway }));
}

/** All samples of a fleet, each with the name of its node. */
export function fleetSamples({ nodes }: Pick<FleetMetrics, "nodes">): Samples {
  const gateways = nodes.flatMap(gatewaysOf);
  return Object.fromEntries(
    METRIC_NAMES.map((name) => [
      name,
      gateways.flatMap(({ node, samples }) =>
        (samples?.[name] ?? []).map(({ labels, value }): Sample => ({ labels: { node, ...labels }, value })),
      ),
    ]),
  );
}

/** What gave no metrics, in words. */
export function missingLines({ nodes }: FleetMetrics): readonly string[] {
  return nodes.flatMap(({ node, answer }) =>
    isUnreachable(answer)
      ? [`${node}: ${answer.message}`, `  fix: ${answer.fix}`]
      : answer.gateways.flatMap(({ gateway, failure }) =>
          failure === null ? [] : [`${node}: ${gateway}: ${failure}`],
        ),
  );
}

/** Prometheus text format, without the last line break. */
export function metricsText(found: FleetMetrics): string {
  return exposition(fleetSamples(found)).trimEnd();
}
