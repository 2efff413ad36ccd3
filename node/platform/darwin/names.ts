import type { StartsAt } from "../../protocol.ts";

/** Labels of gateways by when they start, which decides where launchd has them; also in `render/layout.ts`. */
const GATEWAYS: Readonly<Record<StartsAt, string>> = {
  boot: "org.gatehouse.gateway.",
  login: "org.gatehouse.login-gateway.",
};

export function gatewayLabel(gateway: string, startsAt: StartsAt): string {
  return `${GATEWAYS[startsAt]}${gateway}`;
}

/** When the gateway of a unit starts. */
export function startOf(unit: string): StartsAt {
  return unit.startsWith(GATEWAYS.login) ? "login" : "boot";
}

/** Takes back an unconfirmed switch after a boot. */
export function settleLabel(gateway: string): string {
  return `org.gatehouse.settle.${gateway}`;
}

/** Takes back a switch that nobody confirms in time. */
export function deadManLabel(gateway: string): string {
  return `org.gatehouse.dead-man.${gateway}`;
}

/** Collects the metrics of a gateway. */
export function metricsLabel(gateway: string): string {
  return `org.gatehouse.metrics.${gateway}`;
}

/** The gateway of a unit. */
export function gatewayOf(unit: string): string {
  const stem = GATEWAYS[startOf(unit)];
  return unit.startsWith(stem) ? unit.slice(stem.length) : unit;
}

/** Below the state directory; the stem is ours, so that the vendor's commands do not take the files for theirs. */
export const ENVIRONMENT_FILE = "service-env/org.gatehouse.gateway.env";
export const ENVIRONMENT_WRAPPER = "service-env/org.gatehouse.gateway-env-wrapper.sh";
