import type { DiagnosePayload } from "../../node/diagnose/evidence.ts";
import { gatewayLayout } from "../../render/index.ts";
import type { Connection } from "../../sandbox/plugins/command/inputs.ts";
import { parseFleet, type Platform } from "../../spec/index.ts";
import { OperationError } from "../error.ts";
import type { StackOutputs } from "../outputs.ts";
import { FLEET_KEY } from "../settings.ts";
import type { Expected } from "./evidence.ts";
import type { TunnelEnd } from "./here.ts";
import type { NodePlatform } from "./service-commands.ts";
import { programOf } from "../visit/connect.ts";
import { connectionOf } from "../visit/connection.ts";

/** One gateway: how to reach its node, and what should be there. */
export interface Target {
  readonly node: string;
  /** SECRET: holds a private key. */
  readonly connection: Connection;
  /** Of the on-node program that answers. */
  readonly programId: string;
  readonly payload: DiagnosePayload;
  /** What a client reaches through the tunnel. */
  readonly end: TunnelEnd;
  /** PEM of the fleet's certificate authority; null where it has none. */
  readonly fleetAuthority: string | null;
  readonly expected: Expected;
}

/** The spec's names of what the on-node program calls its platform. */
const NODE_PLATFORM: Readonly<Record<Platform, NodePlatform>> = { linux: "linux", macos: "darwin" };

type Settings = Readonly<Record<string, string>>;

interface Asked {
  readonly gateway: string;
  readonly agent: string | null;
  readonly sinceSeconds: number;
}

/**
 * Finds a gateway in the stack's fleet and outputs.
 * @throws {OperationError} `input` for a gateway or agent that is not in the stack, `secret` for a login key that can't be read.
 */
export async function findTarget(settings: Settings, outputs: StackOutputs, asked: Asked): Promise<Target> {
  const text = settings[FLEET_KEY];
  if (text === undefined) {
    throw OperationError.of("input", "the stack has no fleet", "run `gatehouse up --config FILE` once");
  }
  const fleet = parseFleet(JSON.parse(text));
  for (const node of fleet.nodes) {
    const gateway = node.gateways.find(({ name }) => name === asked.gateway);
    const provisioned = outputs.nodes[node.name];
    const deployed = provisioned?.gateways[asked.gateway];
    if (gateway === undefined || provisioned === undefined || deployed === undefined) continue;
    const agents = Object.keys(deployed.agents);
    if (asked.agent !== null && !agents.includes(asked.agent)) {
      throw OperationError.of(
        "input",
        `gateway ${asked.gateway} has no agent ${asked.agent}`,
        `its agents: ${agents.join(", ")}`,
      );
    }
    const layout = gatewayLayout(node.platform, gateway);
    const ledger = outputs.ledger.filter((line) => line.gateway === asked.gateway);
    return {
      node: node.name,
      connection: await connectionOf(node.connection, settings),
      programId: programOf(node),
      payload: {
        machineId: provisioned.machineId,
        gateway: asked.gateway,
        user: layout.user,
        home: layout.home,
        port: deployed.port,
        unit: deployed.unit,
        agents: asked.agent === null ? agents : [asked.agent],
        sinceSeconds: asked.sinceSeconds,
        operator: node.connection.user,
      },
      end: {
        port: deployed.port,
        authority: deployed.certificate ? (outputs.certificateAuthority?.certificate ?? null) : null,
      },
      fleetAuthority: outputs.certificateAuthority?.certificate ?? null,
      expected: {
        platform: NODE_PLATFORM[node.platform],
        startsAt: gateway.startsAt,
        generation: deployed.generation,
        agents,
        fingerprints: Object.fromEntries(
          // who may log in has no variable of the gateway's
          ledger.flatMap(({ variable, fingerprint }) => (variable === null ? [] : [[variable, fingerprint] as const])),
        ),
      },
    };
  }
  const known = Object.values(outputs.nodes).flatMap((node) => Object.keys(node.gateways));
  throw OperationError.of(
    "input",
    `the stack has no provisioned gateway ${asked.gateway}`,
    known.length === 0 ? "run `gatehouse up` once" : `its gateways: ${known.join(", ")}`,
  );
}
