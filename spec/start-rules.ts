import type { NodeDesign } from "./fleet.ts";
import type { FleetProblem } from "./fleet-rules.ts";
import type { GatewaySpec } from "./gateway.ts";

/** What a gateway that starts at a login cannot have: its user is somebody's account. */
export function startProblems(
  { platform }: Pick<NodeDesign, "platform">,
  { startsAt, purgeOnDestroy, access }: GatewaySpec,
  path: readonly (string | number)[],
): FleetProblem[] {
  if (startsAt === "boot") return [];
  const problem = (field: string, message: string): FleetProblem => ({ path: [...path, field], message });
  if (platform === "linux") {
    const why = "on Linux a gateway starts at boot, as a unit of a user that lingers; take `startsAt: login` away";
    return [problem("startsAt", why)];
  }
  return [
    ...(purgeOnDestroy
      ? [problem("purgeOnDestroy", "with `startsAt: login` the user is somebody's account, which is never deleted; take `purgeOnDestroy: true` away")] // prettier-ignore
      : []),
    ...(access.length > 0
      ? [problem("access", "with `startsAt: login` the user is somebody's account, whose authorized_keys and login shell are not changed; take `access` or `startsAt: login` away")] // prettier-ignore
      : []),
  ];
}
