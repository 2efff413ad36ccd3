import { credentialVariable, type GatewaySpec } from "../spec/index.ts";
import { profileId } from "./providers.ts";

/** Plan for `openclaw secrets apply`: each agent's auth profile points at the variable that carries its key. References only. */
export function renderSecretsPlan(gateway: GatewaySpec): string {
  const plan = {
    version: 1,
    protocolVersion: 1,
    targets: gateway.agents.flatMap((agent) =>
      agent.credentials.map(({ provider }) => ({
        type: "auth-profiles.api_key.key",
        path: `profiles.${profileId(provider, agent.id)}.key`,
        agentId: agent.id,
        authProfileProvider: provider,
        ref: { source: "env", provider: "default", id: credentialVariable(agent.id, provider) },
      })),
    ),
    options: { scrubEnv: false, scrubAuthProfilesForProviderTargets: false },
  };
  return `${JSON.stringify(plan, null, 2)}\n`;
}
