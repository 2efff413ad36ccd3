import { parseEnvironmentFile } from "../environment-file.ts";
import { agentsWithKeyFile } from "../generation/manifest.ts";
import { endpointOf } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { launchedVariables } from "../generation/variables.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { askGateway } from "../lib/gateway-http.ts";
import type { Context } from "../phase.ts";
import { EXIT } from "../protocol.ts";
import type { RotationProof } from "../protocol.ts";

/** HTTP surface that asks for the gateway token and for nothing else (facts: openclaw.md 3). */
const TOKEN_PATH = "/tools/invoke";
const ANSWER_MS = 10_000;
const UNAUTHORIZED = 401;

function failure(variable: string, tokenVariable: string, code: string, message: string, fix: string): PhaseFailure {
  const layer = variable === tokenVariable ? "gateway session" : "provider credential";
  return new PhaseFailure({ layer, code, message, fix, exit: EXIT.gate });
}

/** How many variables the process has as its generation does, byte for byte: all; null where the system shows none. */
async function proveEnvironment(generation: StoredGeneration, token: string, context: Context): Promise<number | null> {
  const { unit } = generation.manifest;
  const { mainPid } = await context.platform.services.state(unit);
  const found = mainPid === 0 ? new Map<string, string>() : await context.platform.processEnvironment(mainPid);
  const wanted = await launchedVariables(generation);
  if (found === null) {
    context.progress("this system does not show what the running process was started with: its variables are unproven");
    return null;
  }
  for (const [variable, value] of wanted) {
    if (found.get(variable) === value) continue;
    throw failure(
      variable,
      token,
      "stale-environment",
      `the running process has ${found.has(variable) ? "another value" : "nothing"} in ${variable}, not what its generation has`,
      `something else sets it: look at ${context.platform.hints.environment(unit)}`,
    );
  }
  return wanted.size;
}

/** Whether the gateway's HTTP surface refuses a token. */
async function refuses(generation: StoredGeneration, token: string, context: Context): Promise<boolean> {
  const { status } = await askGateway(endpointOf(generation), TOKEN_PATH, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
    signal: AbortSignal.any([context.signal, AbortSignal.timeout(ANSWER_MS)]),
  });
  return status === UNAUTHORIZED;
}

/**
 * Closes the loop of a rotation: the process that runs has the new values, its gateway accepts the new token, and no
 * longer the one of the generation before.
 * @param before The last confirmed generation; null when there was none.
 * @throws {PhaseFailure} `stale-environment`, `token-refused`, `old-token-accepted`.
 */
export async function proveRotation(
  generation: StoredGeneration,
  before: StoredGeneration | null,
  context: Context,
): Promise<RotationProof> {
  const { tokenVariable } = generation.manifest;
  const variables = await proveEnvironment(generation, tokenVariable, context);
  const unconfirmedAgents = agentsWithKeyFile(generation.manifest);
  const [token, old] = [generation, before].map(
    (stored) => stored && parseEnvironmentFile(stored.files.environment).get(tokenVariable),
  );
  if (token === undefined || token === null || (await refuses(generation, token, context))) {
    throw failure(
      tokenVariable,
      tokenVariable,
      "token-refused",
      "the gateway refuses the token that was delivered to it",
      "look at `gateway.auth` in openclaw.json: it has to refer to that variable",
    );
  }
  if (old === undefined || old === null || old === token)
    return { variables, oldTokenRefused: null, unconfirmedAgents };
  if (await refuses(generation, old, context)) return { variables, oldTokenRefused: true, unconfirmedAgents };
  throw failure(
    tokenVariable,
    tokenVariable,
    "old-token-accepted",
    "the gateway still accepts the token of the generation before",
    `find out what else serves on this port (\`${context.platform.hints.listener(generation.manifest.port)}\`) or sets a second token in openclaw.json`,
  );
}
