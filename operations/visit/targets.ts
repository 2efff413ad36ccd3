import { privatePaths } from "../../components/private-paths.ts";
import type { MetricsSettings } from "../../node/protocol.ts";
import { gatewayLayout, renderMetrics } from "../../render/index.ts";
import type { Connection } from "../../sandbox/plugins/command/inputs.ts";
import { parseFleet } from "../../spec/index.ts";
import type { NodeSpec } from "../../spec/index.ts";
import { OperationError } from "../error.ts";
import type { StackOutputs } from "../outputs.ts";
import { FLEET_KEY } from "../settings.ts";
import { programOf } from "./connect.ts";
import { connectionOf } from "./connection.ts";

/** One provisioned gateway as its node is asked about it. */
export interface VisitedGateway {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  readonly unit: string;
  readonly generation: string;
  readonly agents: readonly string[];
  /** What nobody else may read. */
  readonly paths: readonly string[];
  readonly https: boolean;
  /** Absent: none are collected. */
  readonly metrics?: MetricsSettings;
}

/** One machine with the gateways of it that are looked at. */
export interface VisitTarget {
  readonly node: string;
  /** SECRET: holds a private key. */
  readonly connection: Connection;
  /** Of the on-node program that answers. */
  readonly programId: string;
  readonly machineId: string;
  readonly alwaysOn: boolean;
  readonly gateways: readonly VisitedGateway[];
}

function gatewaysOf(node: NodeSpec, outputs: StackOutputs, wanted: (gateway: string) => boolean): VisitedGateway[] {
  return node.gateways.flatMap((gateway) => {
    const deployed = outputs.nodes[node.name]?.gateways[gateway.name];
    if (deployed === undefined || !wanted(gateway.name)) return [];
    const layout = gatewayLayout(node.platform, gateway);
    const metrics = renderMetrics(node, gateway);
    return [
      {
        gateway: gateway.name,
        user: layout.user,
        home: layout.home,
        port: deployed.port,
        unit: deployed.unit,
        generation: deployed.generation,
        agents: Object.keys(deployed.agents),
        paths: privatePaths(gateway, layout).map(({ path }) => path),
        https: gateway.https !== undefined,
        ...(metrics && { metrics }),
      },
    ];
  });
}

/**
 * The provisioned machines that `names` mean, nodes or gateways; all of them for none.
 * @throws {OperationError} `input` for a name that the stack does not have, and for a stack without a fleet.
 */
export async function visitTargets(
  settings: Readonly<Record<string, string>>,
  outputs: StackOutputs,
  names: readonly string[],
): Promise<readonly VisitTarget[]> {
  const text = settings[FLEET_KEY];
  const known = Object.entries(outputs.nodes).flatMap(([node, { gateways }]) => [node, ...Object.keys(gateways)]);
  if (text === undefined || known.length === 0)
    throw OperationError.of("input", "the stack has no provisioned gateway", "run `gatehouse up --config FILE` once");
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined)
    throw OperationError.of("input", `the stack has no node or gateway ${strange}`, `it has ${known.join(", ")}`);
  const fleet = parseFleet(JSON.parse(text));
  const all = (name: string): boolean => names.length === 0 || names.includes(name);
  const provisioned = fleet.nodes.filter(({ name }) => outputs.nodes[name] !== undefined);
  const targets = await Promise.all(
    provisioned.map(async (node) => ({
      node: node.name,
      connection: await connectionOf(node.connection, settings),
      programId: programOf(node),
      machineId: outputs.nodes[node.name]?.machineId ?? "",
      alwaysOn: node.alwaysOn,
      gateways: gatewaysOf(node, outputs, (gateway) => all(node.name) || all(gateway)),
    })),
  );
  return targets.filter(({ gateways }) => gateways.length > 0);
}
