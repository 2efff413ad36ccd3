import type { FleetInput, Platform } from "../spec/index.ts";
import type { StandInRuntime } from "../sandbox/macos/index.ts";
import type { SshAccess } from "../sandbox/node/index.ts";
import { secretName } from "./keys.ts";
import { DEMO } from "./settings.ts";

export interface FleetOptions {
  readonly ssh: SshAccess;
  readonly platform: Platform;
  readonly gatewayPort: number;
  /** As the machine reaches the model provider. */
  readonly providerUrl: string;
  /** PEM files. */
  readonly extraCaCertificates: readonly string[];
  /** Of a stand-in for a Mac. */
  readonly standIn?: StandInRuntime | undefined;
}

/** One machine with one gateway of two agents, each with a key of its own. */
export function demoFleet(options: FleetOptions): FleetInput {
  const { ssh, platform, gatewayPort, providerUrl, extraCaCertificates, standIn } = options;
  const { identityFile, ...endpoint } = ssh;
  return {
    environments: [{ name: DEMO.environment, kind: "staging" }],
    nodes: [
      {
        name: DEMO.node,
        platform,
        connection: { ...endpoint, privateKey: `file://${identityFile}` },
        downloads: {
          ...(extraCaCertificates.length > 0 && { extraCaCertificates: [...extraCaCertificates] }),
          ...standIn?.downloads,
        },
        ...(standIn && { runtime: standIn.runtime }),
        gateways: [
          {
            name: DEMO.gateway,
            environment: DEMO.environment,
            user: DEMO.user,
            port: gatewayPort,
            providers: [{ id: DEMO.provider, baseUrl: providerUrl }],
            agents: DEMO.agents.map((id) => ({
              id,
              model: DEMO.model,
              utilityModel: DEMO.model,
              credentials: [{ provider: DEMO.provider, secret: `pulumi://${secretName(id)}` }],
            })),
          },
        ],
      },
    ],
  };
}
