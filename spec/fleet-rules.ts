import type { AgentSpec, GatewaySpec } from "./gateway.ts";
import type { EnvironmentSpec, NodeDesign } from "./fleet.ts";
import { credentialVariable } from "./names.ts";
import { permissionProblems } from "./permission-rules.ts";
import { developmentProblems, resolutionProblems } from "./resolution-rules.ts";
import { startProblems } from "./start-rules.ts";
import { sharedDirectoryProblems } from "./shared-directories.ts";
import { trustedProxyProblems } from "./trusted-proxies.ts";
import { DEFAULT_NODE_VERSION, DEFAULT_OPENCLAW_VERSION, type RuntimeSpec } from "./runtime.ts";

/** The vendor's browser control and CDP ports reach up to port + 110, so gateways on a node keep this distance. */
export const PORT_SPACING = 120;

export interface FleetProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface FleetLike {
  readonly environments: readonly EnvironmentSpec[];
  readonly otherStacks: readonly string[];
  readonly nodes: readonly NodeDesign[];
}

/** Rules across fields. Each problem names the field it is about; none repeats a secret. */
export function fleetProblems(fleet: FleetLike): FleetProblem[] {
  const environments = new Set(fleet.environments.map((environment) => environment.name));
  const kinds = new Map(fleet.environments.map(({ name, kind }) => [name, kind]));
  return [
    ...duplicates(fleet.environments, (environment) => environment.name, ["environments"], "name"),
    ...fleet.otherStacks.flatMap((stack, index) =>
      fleet.otherStacks.indexOf(stack) < index
        ? [{ path: ["otherStacks", index], message: `'${stack}' is named twice; must be unique` }]
        : [],
    ),
    ...duplicates(fleet.nodes, (node) => node.name, ["nodes"], "name"),
    ...duplicateGateways(fleet.nodes),
    ...fleet.nodes.flatMap((node, n) => [
      ...runtimeProblems(node.runtime, ["nodes", n, "runtime"]),
      ...portProblems(node.gateways, ["nodes", n, "gateways"]),
      ...duplicates(
        node.gateways,
        (gateway) => gateway.user,
        ["nodes", n, "gateways"],
        "user",
        "one OS user serves one gateway",
      ),
      ...duplicates(node.gateways, (gateway) => gateway.home, ["nodes", n, "gateways"], "home"),
      ...node.gateways.flatMap((gateway, g) => {
        const path = ["nodes", n, "gateways", g];
        return [
          ...gatewayProblems(gateway, path, environments),
          ...developmentProblems(gateway, kinds.get(gateway.environment), path),
          ...sharedDirectoryProblems(node, gateway, path),
          ...startProblems(node, gateway, path),
          ...trustedProxyProblems(gateway, path),
        ];
      }),
    ]),
  ];
}

/** This release carries the integrities of its default versions only. */
function runtimeProblems(runtime: RuntimeSpec, path: (string | number)[]): FleetProblem[] {
  const problems: FleetProblem[] = [];
  if (runtime.node.version !== DEFAULT_NODE_VERSION && Object.keys(runtime.node.archives ?? {}).length === 0) {
    problems.push({
      path: [...path, "node", "archives"],
      message: `Node ${runtime.node.version} needs its archives with their integrity here (only ${DEFAULT_NODE_VERSION} is built in)`,
    });
  }
  if (runtime.openclaw.version !== DEFAULT_OPENCLAW_VERSION && runtime.openclaw.lockDirectory === undefined) {
    problems.push({
      path: [...path, "openclaw", "lockDirectory"],
      message: `OpenClaw ${runtime.openclaw.version} needs a directory with its package-lock.json here (only ${DEFAULT_OPENCLAW_VERSION} is built in)`,
    });
  }
  return problems;
}

function gatewayProblems(
  gateway: GatewaySpec,
  path: (string | number)[],
  environments: ReadonlySet<string>,
): FleetProblem[] {
  const undeclared: FleetProblem[] = environments.has(gateway.environment)
    ? []
    : [
        {
          path: [...path, "environment"],
          message: `environment '${gateway.environment}' is not declared in 'environments'`,
        },
      ];
  return [
    ...undeclared,
    ...duplicates(gateway.agents, (agent) => agent.id, [...path, "agents"], "id"),
    ...duplicates(gateway.access, ({ principal }) => principal, [...path, "access"], "principal"),
    ...duplicates(gateway.providers, (provider) => provider.id, [...path, "providers"], "id"),
    ...variableProblems(gateway.agents, [...path, "agents"]),
    ...resolutionProblems(gateway, path),
    ...gateway.agents.flatMap((agent, a) => agentProblems(agent, gateway, [...path, "agents", a])),
  ];
}

function agentProblems(agent: AgentSpec, gateway: GatewaySpec, path: (string | number)[]): FleetProblem[] {
  const own = new Set(agent.credentials.map((credential) => credential.provider));
  const problems = duplicates(
    agent.credentials,
    (credential) => credential.provider,
    [...path, "credentials"],
    "provider",
  );
  for (const field of ["model", "utilityModel"] as const) {
    const provider = agent[field]?.split("/")[0];
    if (provider !== undefined && !own.has(provider)) {
      problems.push({
        path: [...path, field],
        message: `agent '${agent.id}' has no credential for provider '${provider}'`,
      });
    }
  }
  problems.push(...permissionProblems(agent, gateway, path));
  return problems;
}

/** `a-b` and `a_b` cannot both exist as ids, but agent `a-b` + provider `c` and agent `a` + provider `b-c` can meet in one variable. */
function variableProblems(agents: readonly AgentSpec[], path: (string | number)[]): FleetProblem[] {
  const owners = new Map<string, string>();
  const problems: FleetProblem[] = [];
  agents.forEach((agent, a) => {
    for (const credential of agent.credentials) {
      const variable = credentialVariable(agent.id, credential.provider);
      const owner = owners.get(variable);
      if (owner !== undefined && owner !== agent.id) {
        problems.push({
          path: [...path, a, "id"],
          message: `agents '${owner}' and '${agent.id}' would share the variable ${variable}; rename one`,
        });
      }
      owners.set(variable, agent.id);
    }
  });
  return problems;
}

function duplicateGateways(nodes: readonly NodeDesign[]): FleetProblem[] {
  const seen = new Map<string, string>();
  const problems: FleetProblem[] = [];
  nodes.forEach((node, n) => {
    node.gateways.forEach((gateway, g) => {
      const first = seen.get(gateway.name);
      if (first === undefined) seen.set(gateway.name, node.name);
      else
        problems.push({
          path: ["nodes", n, "gateways", g, "name"],
          message: `gateway name '${gateway.name}' is already used on node '${first}'`,
        });
    });
  });
  return problems;
}

function portProblems(gateways: readonly GatewaySpec[], path: (string | number)[]): FleetProblem[] {
  const problems: FleetProblem[] = [];
  gateways.forEach((gateway, g) => {
    for (const other of gateways.slice(0, g)) {
      if (Math.abs(other.port - gateway.port) < PORT_SPACING) {
        problems.push({
          path: [...path, g, "port"],
          message: `port ${gateway.port} is closer than ${PORT_SPACING} to port ${other.port} of gateway '${other.name}'; OpenClaw uses the ports between`,
        });
      }
    }
  });
  return problems;
}

function duplicates<T>(
  items: readonly T[],
  key: (item: T) => string | undefined,
  path: readonly (string | number)[],
  field: string,
  why = "must be unique",
): FleetProblem[] {
  const seen = new Set<string>();
  const problems: FleetProblem[] = [];
  items.forEach((item, index) => {
    const value = key(item);
    if (value === undefined) return;
    if (seen.has(value)) problems.push({ path: [...path, index, field], message: `'${value}' is used twice; ${why}` });
    seen.add(value);
  });
  return problems;
}
