import type { EnvironmentSpec } from "./fleet.ts";
import type { FleetProblem } from "./fleet-rules.ts";
import type { GatewaySpec } from "./gateway.ts";
import type { PrincipalSpec } from "./principals.ts";

interface FleetLike {
  readonly environments: readonly EnvironmentSpec[];
  readonly principals: readonly PrincipalSpec[];
  readonly nodes: readonly { readonly gateways: readonly GatewaySpec[] }[];
}

/** What the fleet's principals and the gateways' access lists must agree on. */
export function principalProblems({ environments, principals, nodes }: FleetLike): FleetProblem[] {
  const known = new Set(environments.map(({ name }) => name));
  const byName = new Map(principals.map((principal) => [principal.name, principal]));
  const keys = new Map<string, string>();
  return [
    ...principals.flatMap(({ name }, p) =>
      principals.findIndex((other) => other.name === name) < p
        ? [{ path: ["principals", p, "name"], message: `'${name}' is used twice; must be unique` }]
        : [],
    ),
    ...principals.flatMap(({ name, environment, publicKey }, p): FleetProblem[] => {
      const problems: FleetProblem[] = known.has(environment)
        ? []
        : [
            {
              path: ["principals", p, "environment"],
              message: `environment '${environment}' is not declared in 'environments'`,
            },
          ];
      const owner = publicKey === undefined ? undefined : keys.get(publicKey);
      if (publicKey !== undefined && owner === undefined) keys.set(publicKey, name);
      if (owner === undefined) return problems;
      const message = `principals '${owner}' and '${name}' have the same key; each needs its own`;
      return [...problems, { path: ["principals", p, "publicKey"], message }];
    }),
    ...nodes.flatMap(({ gateways }, n) =>
      gateways.flatMap((gateway, g) =>
        gateway.access.flatMap(({ principal: name }, a) => {
          const principal = byName.get(name);
          const path = ["nodes", n, "gateways", g, "access", a, "principal"];
          if (principal === undefined) {
            return [{ path, message: `principal '${name}' is not declared in 'principals'` }];
          }
          return principal.environment === gateway.environment
            ? []
            : [
                {
                  path,
                  message: `principal '${name}' is of environment '${principal.environment}', gateway '${gateway.name}' of '${gateway.environment}'; give the other environment a principal of its own`,
                },
              ];
        }),
      ),
    ),
  ];
}
