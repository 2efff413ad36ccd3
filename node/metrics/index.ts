import { gatewayHome } from "../lib/gateway-home.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { requireMachine } from "../lib/machine.ts";
import { absolutePath, gatewayName, list, machineId, object, userName } from "../lib/shape.ts";
import type { Context, UserCommand } from "../phase.ts";
import type { Samples } from "./catalogue.ts";
import { collect } from "./collect.ts";

/** A run takes about a second; the lock of another one is waited for. */
const GATEWAY_SECONDS = 200;
export const METRICS_SECONDS = 600;

export interface MetricsPayload {
  /** Of the machine that was provisioned. */
  readonly machineId: string;
  readonly gateways: readonly { readonly gateway: string; readonly user: string; readonly home: string }[];
}

export interface GatewayMetrics {
  readonly gateway: string;
  /** Null where there are none; `failure` says why. */
  readonly samples: Samples | null;
  readonly failure: string | null;
}

export interface NodeMetrics {
  readonly gateways: readonly GatewayMetrics[];
}

export const checkMetrics = object<MetricsPayload>({
  machineId,
  gateways: list(
    object<MetricsPayload["gateways"][number]>({ gateway: gatewayName, user: userName, home: absolutePath }),
  ),
});

/**
 * Collects the metrics of each gateway now, as its timer does.
 * @throws {PhaseFailure} `another-machine`.
 */
export async function nodeMetrics(payload: MetricsPayload, context: Context): Promise<NodeMetrics> {
  await requireMachine(payload.machineId, context.platform);
  const gateways: GatewayMetrics[] = [];
  for (const { gateway, user: name, home } of payload.gateways) {
    const user = await context.platform.users.find(name);
    if (user?.home !== home || user.uid === 0) {
      gateways.push({ gateway, samples: null, failure: `${name} has no home at ${home}` });
      continue;
    }
    try {
      const samples = await context.asUser(user, "metrics-collect", {}, { timeoutSeconds: GATEWAY_SECONDS });
      gateways.push({ gateway, samples: samples as Samples, failure: null });
    } catch (error) {
      const failure = error instanceof PhaseFailure ? error.message : "could not be looked at";
      gateways.push({ gateway, samples: null, failure });
    }
  }
  return { gateways };
}

/** `gatehouse-node collect-metrics`: what the timer calls. */
export async function collectMetrics(context: Context): Promise<void> {
  await collect(gatewayHome(ownUser().home), context);
}

export const metricsCommands: Readonly<Record<string, UserCommand>> = {
  "metrics-collect": (_payload, context) => collect(gatewayHome(ownUser().home), context),
};
