import type { FleetProblem } from "./fleet-rules.ts";
import type { AgentSpec, GatewaySpec } from "./gateway.ts";
import { reachesOver, uselessGrants, type TrustBoundary } from "./permissions.ts";

/** The boundary that an agent has: the declared one, else the weakest that its permissions allow. */
export function trustBoundary(agent: AgentSpec): TrustBoundary {
  return agent.trustBoundary ?? (reachesOver(agent.permissions).length > 0 ? "gateway" : "agent");
}

/** What an agent's permissions, its boundary and the company in its gateway must agree on. */
export function permissionProblems(
  agent: AgentSpec,
  gateway: GatewaySpec,
  path: readonly (string | number)[],
): FleetProblem[] {
  const alone = gateway.agents.length === 1;
  const { permissions } = agent;
  const reasons = reachesOver(permissions);
  const useless = uselessGrants(permissions);
  return [
    ...(agent.trustBoundary === "agent"
      ? reasons.map(({ why }) => ({
          path: [...path, "trustBoundary"],
          message: `agent '${agent.id}' ${why}; its boundary is 'gateway', not 'agent'`,
        }))
      : []),
    ...(alone
      ? []
      : reasons.map(({ field, why }) => ({
          path: [...path, "permissions", field],
          message: `agent '${agent.id}' ${why}; give it a gateway and an OS user of its own`,
        }))),
    ...(!alone && agent.trustBoundary === "gateway" && reasons.length === 0
      ? [
          {
            path: [...path, "trustBoundary"],
            message: `agent '${agent.id}' has the boundary 'gateway' and shares gateway '${gateway.name}' with others; give it one of its own`,
          },
        ]
      : []),
    ...(useless.length > 0
      ? [
          {
            path: [...path, "permissions", "allow"],
            message: `${useless.join(", ")} run commands, which 'exec: deny' forbids; set 'exec' instead`,
          },
        ]
      : []),
  ];
}
