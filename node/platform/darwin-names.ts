/** Labels of our jobs in launchd's system domain, by gateway; the first is also in `render/layout.ts`. */
const GATEWAY = "org.gatehouse.gateway.";

export function gatewayLabel(gateway: string): string {
  return `${GATEWAY}${gateway}`;
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
  return unit.startsWith(GATEWAY) ? unit.slice(GATEWAY.length) : unit;
}

/** Below the state directory; the stem is ours, so that the vendor's commands do not take the files for theirs. */
export const ENVIRONMENT_FILE = "service-env/org.gatehouse.gateway.env";
export const ENVIRONMENT_WRAPPER = "service-env/org.gatehouse.gateway-env-wrapper.sh";
