import { credentialVariable, type CredentialSpec, type GatewaySpec } from "../spec/index.ts";
import { profileId } from "./providers.ts";

/** Alias of the vendor's secret provider that reads the keys with `delivery: file`. */
export const KEY_FILE_PROVIDER = "gatehouse-keys";

/** Where OpenClaw finds a key: a variable of its process, or an entry of the file (RFC 6901). */
function refTo(variable: string, delivery: CredentialSpec["delivery"]): object {
  return delivery === "file"
    ? { source: "file", provider: KEY_FILE_PROVIDER, id: `/${variable}` }
    : { source: "env", provider: "default", id: variable };
}

/** Plan for `openclaw secrets apply`: each agent's auth profile points at the variable or file that carries its key. References only. */
export function renderSecretsPlan(gateway: GatewaySpec): string {
  const plan = {
    version: 1,
    protocolVersion: 1,
    targets: gateway.agents.flatMap((agent) =>
      agent.credentials.map(({ provider, delivery }) => ({
        type: "auth-profiles.api_key.key",
        path: `profiles.${profileId(provider, agent.id)}.key`,
        agentId: agent.id,
        authProfileProvider: provider,
        ref: refTo(credentialVariable(agent.id, provider), delivery),
      })),
    ),
    options: { scrubEnv: false, scrubAuthProfilesForProviderTargets: false },
  };
  return `${JSON.stringify(plan, null, 2)}\n`;
}
