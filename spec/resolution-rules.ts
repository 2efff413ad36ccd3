import type { FleetProblem } from "./fleet-rules.ts";
import type { EnvironmentSpec } from "./fleet.ts";
import type { GatewaySpec } from "./gateway.ts";
import { identityRefs } from "./node-identity.ts";
import { DEVELOPMENT_SCHEMES, NODE_SCHEMES, type ManagerRef } from "./ref-schemes.ts";
import { parseSecretRef } from "./secret-ref.ts";

/** Field of `nodeIdentity` that a scheme needs. */
const IDENTITY = { vault: "vault", "aws-sm": "aws" } as const satisfies Record<ManagerRef["scheme"], string>;

function managerScheme(text: string): ManagerRef["scheme"] | undefined {
  const parsed = parseSecretRef(text);
  return parsed.ok ? NODE_SCHEMES.find((scheme) => scheme === parsed.ref.scheme) : undefined;
}

/** What has to fit together so that the node can read its credentials itself, and only then has an identity. */
export function resolutionProblems(gateway: GatewaySpec, path: readonly (string | number)[]): FleetProblem[] {
  const needed = new Set<string>();
  const problems: FleetProblem[] = [];
  gateway.agents.forEach((agent, a) => {
    agent.credentials.forEach(({ secret, resolve, delivery }, c) => {
      if (resolve !== "node") return;
      if (delivery === "file") {
        const message =
          "a key that the node reads at start is in no file; take `delivery: file` or `resolve: node` away";
        problems.push({ path: [...path, "agents", a, "credentials", c, "delivery"], message });
      }
      const at = [...path, "agents", a, "credentials", c, "secret"];
      const scheme = managerScheme(secret);
      if (scheme === undefined) {
        const schemes = NODE_SCHEMES.map((one) => `${one}://`).join(" and ");
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
  return problems;
}

/** References of a gateway by field. */
function refsOf(
  gateway: GatewaySpec,
): readonly { readonly field: readonly (string | number)[]; readonly ref: string }[] {
  return [
    ...(gateway.token === undefined ? [] : [{ field: ["token"], ref: gateway.token }]),
    ...identityRefs(gateway.nodeIdentity).map(({ field, ref }) => ({
      field: ["nodeIdentity", ...field.split(".")],
      ref,
    })),
    ...gateway.agents.flatMap((agent, a) =>
      agent.credentials.map(({ secret }, c) => ({ field: ["agents", a, "credentials", c, "secret"], ref: secret })),
    ),
  ];
}

/** A production or CI credential in somebody's shell or home directory has no owner but that person. */
export function developmentProblems(
  gateway: GatewaySpec,
  kind: EnvironmentSpec["kind"] | undefined,
  path: readonly (string | number)[],
): FleetProblem[] {
  if (kind !== "prod" && kind !== "ci") return [];
  return refsOf(gateway).flatMap(({ field, ref }) => {
    const scheme = DEVELOPMENT_SCHEMES.find((one) => ref.startsWith(`${one}://`));
    return scheme === undefined
      ? []
      : [
          {
            path: [...path, ...field],
            message: `${scheme}:// is for development, and environment '${gateway.environment}' is ${kind}; keep the value in a secret manager or as pulumi://KEY`,
          },
        ];
  });
}
