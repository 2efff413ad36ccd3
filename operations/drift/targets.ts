import type { DriftPayload } from "../../node/drift/deviation.ts";
import { gatewayLayout } from "../../render/index.ts";
import type { Connection } from "../../sandbox/plugins/command/inputs.ts";
import { parseFleet } from "../../spec/index.ts";
import type { NodeSpec } from "../../spec/index.ts";
import { OperationError } from "../error.ts";
import type { StackOutputs } from "../outputs.ts";
import { FLEET_KEY } from "../settings.ts";
import { connectionOf } from "../visit/connection.ts";

/** One machine with the gateways of it that are looked at. */
export interface DriftTarget {
  readonly node: string;
  /** SECRET: holds a private key. */
  readonly connection: Connection;
  readonly payload: DriftPayload;
}

function payloadOf(node: NodeSpec, outputs: StackOutputs, wanted: (gateway: string) => boolean): DriftPayload {
  const provisioned = outputs.nodes[node.name];
  return {
    machineId: provisioned?.machineId ?? "",
    alwaysOn: node.alwaysOn,
    gateways: node.gateways.flatMap((gateway) => {
      const deployed = provisioned?.gateways[gateway.name];
      if (deployed === undefined || !wanted(gateway.name)) return [];
      const { user, home } = gatewayLayout(node.platform, gateway);
      const { unit, generation } = deployed;
      return [{ gateway: gateway.name, user, home, unit, generation, agents: Object.keys(deployed.agents) }];
    }),
  };
}

/**
 * The provisioned machines that `names` mean, nodes or gateways; all of them for none.
 * @throws {OperationError} `input` for a name that the stack does not have, and for a stack without a fleet.
 */
export async function driftTargets(
  settings: Readonly<Record<string, string>>,
  outputs: StackOutputs,
  names: readonly string[],
): Promise<readonly DriftTarget[]> {
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
      payload: payloadOf(node, outputs, (gateway) => all(node.name) || all(gateway)),
    })),
  );
  return targets.filter(({ payload }) => payload.gateways.length > 0);
}
