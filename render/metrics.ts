import type { MetricsSettings } from "../node/protocol.ts";
import { credentialVariable, GATEWAY_TOKEN_VARIABLE, type GatewaySpec, type NodeDesign } from "../spec/index.ts";

/** How a gateway's metrics are collected; undefined where the node says that they are not. */
export function renderMetrics(node: Pick<NodeDesign, "metrics">, gateway: GatewaySpec): MetricsSettings | undefined {
  if (!node.metrics.enabled) return undefined;
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
