import { gatewayLayout, renderGeneration, slots, fingerprint, type RenderedGeneration } from "../../render/index.ts";
import { nodePath, PINNED_NODE } from "../../render/runtime-table.ts";
import { parseFleet, type FleetInput, type GatewaySpec, type NodeSpec } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

type GatewayInput = FleetInput["nodes"][number]["gateways"][number];

/** Key of no real stack. */
export const KEY = new Uint8Array(32).fill(7);
export const RUNTIME = { id: "openclaw-2026.9.6-0123456789ab", nodePath: nodePath(PINNED_NODE) };

/** The valid fleet's only gateway, after `change` to its input. */
export function gatewayWith(change: (gateway: GatewayInput) => GatewayInput = (same) => same): {
  readonly node: NodeSpec;
  readonly gateway: GatewaySpec;
} {
  const input: FleetInput = validFleet();
  const [first] = input.nodes;
  if (first?.gateways[0] === undefined) throw new Error("the valid fleet has no gateway");
  const parsed = parseFleet({ ...input, nodes: [{ ...first, gateways: [change(first.gateways[0])] }] });
  return only(parsed.nodes);
}

export function only(nodes: readonly NodeSpec[]): { readonly node: NodeSpec; readonly gateway: GatewaySpec } {
  const node = nodes[0];
  const gateway = node?.gateways[0];
  if (node === undefined || gateway === undefined) throw new Error("no gateway");
  return { node, gateway };
}

export function layoutOf({ node, gateway }: { readonly node: NodeSpec; readonly gateway: GatewaySpec }) {
  return gatewayLayout(node.platform, gateway);
}

/** The value that a test puts into a slot; long enough for a fingerprint. */
export function valueOf(slot: string): string {
  return `value-of-${slot}-000000000000`;
}

export function generationOf(
  subject: { readonly node: NodeSpec; readonly gateway: GatewaySpec },
  changes: {
    readonly runtime?: typeof RUNTIME;
    readonly value?: (slot: string) => string;
    /** Default: a text in the place of each certificate; null: none. */
    readonly https?: null;
  } = {},
): RenderedGeneration {
  const { node, gateway } = subject;
  const value = changes.value ?? valueOf;
  const print = (slot: string): string => fingerprint(KEY, slot, value(slot));
  return renderGeneration({
    node,
    gateway,
    runtime: changes.runtime ?? RUNTIME,
    tokenFingerprint: print(slots.gatewayToken(gateway.name)),
    ...(gateway.https && changes.https !== null && { https: { certificate: "certificate", authority: "authority" } }),
    credentialFingerprint: (agent, provider) => print(slots.credential(gateway.name, agent, provider)),
  });
}

/** The rendered configuration, for reading single fields. */
export function configOf(subject: { readonly node: NodeSpec; readonly gateway: GatewaySpec }): OpenclawConfig {
  return JSON.parse(generationOf(subject).files.config) as OpenclawConfig;
}

export interface OpenclawConfig {
  readonly gateway: Readonly<Record<string, unknown>>;
  readonly secrets: { readonly providers: { readonly default: { readonly allowlist: readonly string[] } } };
  readonly auth: {
    readonly profiles: Readonly<Record<string, { readonly provider: string; readonly mode: string }>>;
    readonly order: Readonly<Record<string, readonly string[]>>;
  };
  readonly models: { readonly providers?: Readonly<Record<string, Readonly<Record<string, string>>>> };
  readonly agents: {
    readonly defaults: { readonly systemAgent: { readonly agentId: string } };
    readonly entries: Readonly<
      Record<
        string,
        {
          readonly workspace: string;
          readonly agentDir: string;
          readonly utilityModel: string;
          readonly models?: Readonly<Record<string, unknown>>;
          readonly tools: {
            readonly alsoAllow: readonly string[];
            readonly deny: readonly string[];
            readonly exec: { readonly host: string; readonly mode: string };
          };
          readonly sandbox: { readonly mode: string };
        }
      >
    >;
  };
  readonly plugins: { readonly allow: readonly string[] };
}
