import type { FleetProblem } from "./fleet-rules.ts";
import type { GatewaySpec } from "./gateway.ts";
import { MANAGER_SCHEMES } from "./manager-ref.ts";
import type { ManagerRef } from "./manager-ref.ts";
import { identityRefs } from "./node-identity.ts";
import { parseSecretRef } from "./secret-ref.ts";

/** Field of `nodeIdentity` that a scheme needs. */
const IDENTITY = { vault: "vault", "aws-sm": "aws" } as const satisfies Record<ManagerRef["scheme"], string>;

function managerScheme(text: string): ManagerRef["scheme"] | undefined {
  const parsed = parseSecretRef(text);
  return parsed.ok ? MANAGER_SCHEMES.find((scheme) => scheme === parsed.ref.scheme) : undefined;
}

/** What has to fit together so that the node can read its credentials itself, and only then has an identity. */
export function resolutionProblems(gateway: GatewaySpec, path: readonly (string | number)[]): FleetProblem[] {
  const needed = new Set<string>();
  const problems: FleetProblem[] = [];
  gateway.agents.forEach((agent, a) => {
    agent.credentials.forEach(({ secret, resolve }, c) => {
      if (resolve !== "node") return;
      const at = [...path, "agents", a, "credentials", c, "secret"];
      const scheme = managerScheme(secret);
      if (scheme === undefined) {
        const schemes = MANAGER_SCHEMES.map((one) => `${one}://`).join(" and ");
        problems.push({ path: at, message: `the node can read ${schemes} only; take \`resolve: node\` away` });
        return;
      }
      const identity = IDENTITY[scheme];
      needed.add(identity);
      if (gateway.nodeIdentity?.[identity] === undefined) {
        problems.push({ path: at, message: `the node needs nodeIdentity.${identity} of this gateway to read it` });
      }
    });
  });
  for (const identity of Object.values(IDENTITY)) {
    if (gateway.nodeIdentity?.[identity] !== undefined && !needed.has(identity)) {
      problems.push({
        path: [...path, "nodeIdentity", identity],
        message: "no credential of this gateway needs it; a node gets no access that it does not use",
      });
    }
  }
  for (const { field, ref } of identityRefs(gateway.nodeIdentity)) {
    if (managerScheme(ref) === undefined) continue;
    problems.push({
      path: [...path, "nodeIdentity", ...field.split(".")],
      message: "the node signs in with it, so it has to be read at deploy: pulumi://, env:// or file://",
    });
  }
  return problems;
}
