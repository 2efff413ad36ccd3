import type { MetricsSettings } from "../node/protocol.ts";
import {
  credentialVariable,
  GATEWAY_TOKEN_VARIABLE,
  type GatewaySpec,
  type NodeDesign,
  type Platform,
} from "../spec/index.ts";

/** Where a timer and the log of a gateway can be had (docs/decisions/0029). */
const COLLECTED: Readonly<Record<Platform, boolean>> = { linux: true, macos: false };

/** How a gateway's metrics are collected; undefined where the node says that they are not, or its platform has no way. */
export function renderMetrics(
  node: Pick<NodeDesign, "metrics" | "platform">,
  gateway: GatewaySpec,
): MetricsSettings | undefined {
  if (!node.metrics.enabled || !COLLECTED[node.platform]) return undefined;
  return {
    intervalSeconds: node.metrics.intervalSeconds,
    environment: gateway.environment,
    credentials: [
      {
        variable: GATEWAY_TOKEN_VARIABLE,
        agent: null,
        provider: null,
        rotateEveryDays: gateway.tokenRotateEveryDays,
      },
      ...gateway.agents.flatMap(({ id, credentials }) =>
        credentials.map(({ provider, rotateEveryDays }) => ({
          variable: credentialVariable(id, provider),
          agent: id,
          provider,
          rotateEveryDays,
        })),
      ),
    ],
  };
}
