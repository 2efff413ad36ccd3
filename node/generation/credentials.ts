import { join } from "node:path";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { list, object, text, variableName } from "../lib/shape.ts";
import type { Platform } from "../platform/index.ts";
import { EXIT } from "../protocol.ts";
import type { DeliveredCredential, GatewayPayload } from "../protocol.ts";

export const deliveredCredentials = list(
  object<DeliveredCredential>({ provider: text, variable: variableName, value: text, fingerprint: text }),
);

/** Where an agent phase stages what the next generation carries; 0600. */
export function stagedCredentialsPath(home: GatewayHome, agent: string): string {
  return join(home.agents, agent, "credentials.json");
}

/** What was staged for one agent; null when nothing was. */
export async function stagedCredentials(
  home: GatewayHome,
  agent: string,
): Promise<readonly DeliveredCredential[] | null> {
  return await readJsonOrNull(stagedCredentialsPath(home, agent), deliveredCredentials);
}

/** OpenClaw takes blanks for no key, and says so only once the process that served is gone. */
function emptyCredential(agent: string, provider: string): PhaseFailure {
  return new PhaseFailure({
    layer: "provider credential",
    code: "credential-empty",
    message: `the credential of agent '${agent}' for provider '${provider}' holds nothing but blanks`,
    fix: "put the key where its reference leads, then run the same command again; nothing was changed",
    exit: EXIT.refused,
  });
}

/** SECRET: the files of a generation that hold values. */
export interface ComposedSecrets {
  /** The EnvironmentFile: the gateway token, the keys that go there, and what the launcher shows to secret managers. */
  readonly environment: string;
  /** The key file as JSON, by variable name; undefined when no key goes there. */
  readonly keys?: string;
}

/**
 * Exactly the credentials that the generation names, each where it is to be delivered.
 * @throws {PhaseFailure} `credential-missing` when one was not staged or is another one than the generation's.
 */
export async function composeSecrets(
  home: GatewayHome,
  { token, agents, launch }: Pick<GatewayPayload, "token" | "agents" | "launch">,
  environmentFile: Platform["environmentFile"],
): Promise<ComposedSecrets> {
  const keys: Record<string, string> = {};
  const variables = new Map([[token.variable, token.value]]);
  for (const agent of agents) {
    const staged = await stagedCredentials(home, agent.id);
    for (const wanted of agent.credentials) {
      const found = staged?.find(({ variable }) => variable === wanted.variable);
      if (found?.fingerprint !== wanted.fingerprint || found.provider !== wanted.provider) {
        throw new PhaseFailure({
          layer: "provider credential",
          code: "credential-missing",
          message:
            found === undefined
              ? `agent '${agent.id}' has no staged credential for provider '${wanted.provider}'`
              : `agent '${agent.id}' has another credential staged for provider '${wanted.provider}' than this generation names`,
          fix: `run the agent phase of '${agent.id}' again: \`pulumi up --replace\` with its URN`,
          exit: EXIT.refused,
        });
      }
      if (found.value.trim() === "") throw emptyCredential(agent.id, wanted.provider);
      if (wanted.delivery === "file") keys[found.variable] = found.value;
      else variables.set(found.variable, found.value);
    }
  }
  for (const { variable, value } of launch?.credentials ?? []) variables.set(variable, value);
  return {
    environment: environmentFile.render(variables),
    ...(Object.keys(keys).length > 0 && { keys: `${JSON.stringify(keys, null, 2)}\n` }),
  };
}
