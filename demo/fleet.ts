import type { FleetInput } from "../spec/index.ts";
import type { SshAccess } from "../sandbox/node/index.ts";
import { secretName } from "./keys.ts";
import { DEMO } from "./settings.ts";

export interface FleetOptions {
  readonly ssh: SshAccess;
  readonly gatewayPort: number;
  /** As the machine reaches the model provider. */
  readonly providerUrl: string;
  /** PEM files. */
  readonly extraCaCertificates: readonly string[];
}

/** One machine with one gateway of two agents, each with a key of its own. */
export function demoFleet({ ssh, gatewayPort, providerUrl, extraCaCertificates }: FleetOptions): FleetInput {
  const { identityFile, ...endpoint } = ssh;
  return {
    environments: [{ name: DEMO.environment, kind: "staging" }],
    nodes: [
      {
        name: DEMO.node,
        platform: "linux",
        connection: { ...endpoint, privateKey: `file://${identityFile}` },
        downloads: extraCaCertificates.length === 0 ? {} : { extraCaCertificates: [...extraCaCertificates] },
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
