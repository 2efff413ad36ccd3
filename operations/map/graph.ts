import type { FleetSpec, GatewaySpec } from "../../spec/index.ts";
import { identityRefs } from "../../spec/index.ts";

export type MapKind = "credential" | "principal" | "agent" | "gateway" | "node" | "environment";

export interface MapItem {
  /** Unique: kind and name. */
  readonly id: string;
  readonly kind: MapKind;
  readonly name: string;
  /** Rules of the policy pack that are violated here. */
  readonly rules: readonly string[];
}

/** `from` reaches, is carried by or lives in `to`. */
export interface MapLink {
  readonly from: string;
  readonly to: string;
}

/** What is lost, or has to be replaced, together with one thing. */
export interface Reach {
  readonly agents: readonly string[];
  readonly gateways: readonly string[];
  readonly nodes: readonly string[];
  readonly environments: readonly string[];
}

/** Who reaches what in a fleet; references and names only. */
export interface FleetMap {
  readonly items: readonly MapItem[];
  readonly links: readonly MapLink[];
  /** Whoever has this credential reaches so far. */
  readonly credentials: readonly (Reach & { readonly credential: string })[];
  /** Whoever has this machine reaches so far: every credential on it has to be issued anew. */
  readonly lostNodes: readonly (Omit<Reach, "nodes"> & {
    readonly node: string;
    readonly credentials: readonly string[];
  })[];
}

interface Use {
  readonly credential: string;
  /** `GATEWAY/AGENT`; undefined for what the gateway itself or the node signs in with. */
  readonly agent?: string;
  readonly gateway: string;
  readonly node: string;
  readonly environment: string;
}

function usesOf(node: string, gateway: GatewaySpec): Use[] {
  const at = { gateway: gateway.name, node, environment: gateway.environment };
  return [
    { ...at, credential: gateway.token ?? `generated token of ${gateway.name}` },
    ...identityRefs(gateway.nodeIdentity).map(({ ref }) => ({ ...at, credential: ref })),
    ...gateway.access.map(({ principal }) => ({ ...at, credential: `SSH key of ${principal}` })),
    ...gateway.agents.flatMap(({ id, credentials }) =>
      credentials.map(({ secret }) => ({ ...at, credential: secret, agent: `${gateway.name}/${id}` })),
    ),
  ];
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

function reach(uses: readonly Use[]): Reach {
  return {
    agents: unique(uses.flatMap(({ agent }) => agent ?? [])),
    gateways: unique(uses.map(({ gateway }) => gateway)),
    nodes: unique(uses.map(({ node }) => node)),
    environments: unique(uses.map(({ environment }) => environment)),
  };
}

/** Everything on one machine, agents without a credential of their own included. */
function lost(node: FleetSpec["nodes"][number]): FleetMap["lostNodes"][number] {
  const uses = node.gateways.flatMap((gateway) => usesOf(node.name, gateway));
  const { gateways, agents, environments } = reach(uses);
  return { node: node.name, gateways, agents, environments, credentials: unique(uses.map((use) => use.credential)) };
}

/** @param violated Rules by the name of the resource that the pack named: `GATEWAY`, `GATEWAY/AGENT`, a node's name. */
export function fleetMap(fleet: FleetSpec, violated: ReadonlyMap<string, readonly string[]> = new Map()): FleetMap {
  const items = new Map<string, MapItem>();
  const links = new Map<string, MapLink>();
  const item = (kind: MapKind, name: string): string => {
    const id = `${kind}:${name}`;
    items.set(id, { id, kind, name, rules: violated.get(name) ?? [] });
    return id;
  };
  const link = (from: string, to: string): void => {
    links.set(`${from}\n${to}`, { from, to });
  };
  for (const { name } of fleet.environments) item("environment", name);
  for (const node of fleet.nodes) {
    const machine = item("node", node.name);
    for (const gateway of node.gateways) {
      const service = item("gateway", gateway.name);
      link(service, machine);
      link(service, item("environment", gateway.environment));
      for (const { id } of gateway.agents) link(item("agent", `${gateway.name}/${id}`), service);
      for (const { principal } of gateway.access) link(item("principal", principal), service);
      for (const { credential, agent } of usesOf(node.name, gateway)) {
        // a principal stands for its key
        if (credential.startsWith("SSH key of ")) continue;
        link(item("credential", credential), agent === undefined ? service : `agent:${agent}`);
      }
    }
  }
  const uses = fleet.nodes.flatMap(({ name, gateways }) => gateways.flatMap((gateway) => usesOf(name, gateway)));
  return {
    items: [...items.values()],
    links: [...links.values()],
    credentials: unique(uses.map(({ credential }) => credential)).map((credential) => ({
      credential,
      ...reach(uses.filter((use) => use.credential === credential)),
    })),
    lostNodes: fleet.nodes.map(lost),
  };
}
