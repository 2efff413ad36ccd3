import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { looseEnvironment } from "../../node/diagnose/loose-environment.ts";
import { member } from "../../node/lib/member.ts";
import { mask } from "../../render/mask.ts";
import type { TokenAnswer } from "../../node/diagnose/evidence.ts";
import type { ClientEvidence } from "./evidence.ts";

const VARIABLE = "OPENCLAW_GATEWAY_TOKEN";

/** State directory of the OpenClaw client of whoever runs this. */
export function clientStateDirectory(env: NodeJS.ProcessEnv): string {
  const named = env["OPENCLAW_STATE_DIR"];
  return named !== undefined && named !== "" ? named : join(homedir(), ".openclaw");
}

interface Candidate {
  readonly source: string;
  /** SECRET. */
  readonly value: string | undefined;
  readonly isReference: boolean;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}

/**
 * The token that the vendor's client would send, without sending it anywhere: configuration first, where an empty text
 * counts as absent, then the environment, then `.env`, which an empty variable hides (facts: remote-access.md 1).
 * @param tryIt Asks the gateway; called with the one token that wins.
 */
export async function clientEvidence(
  stateDir: string,
  env: NodeJS.ProcessEnv,
  tryIt: (token: string) => Promise<TokenAnswer>,
): Promise<ClientEvidence> {
  let config: unknown;
  let dotenv: ReadonlyMap<string, string>;
  try {
    config = JSON.parse((await textOf(join(stateDir, "openclaw.json"))) ?? "{}");
    dotenv = looseEnvironment((await textOf(join(stateDir, ".env"))) ?? "");
  } catch {
    const nothing = { masked: null, shadowed: [], url: null, answer: null };
    return { stateDir, source: "openclaw.json or .env", state: "unreadable", ...nothing };
  }
  const override = env["OPENCLAW_GATEWAY_URL"]?.trim() ?? "";
  // a URL of the environment has the vendor's client leave the configuration's token out (facts: remote-access.md 1)
  const remote = override === "" ? member(config, "gateway", "remote", "token") : undefined;
  const url = override === "" ? member(config, "gateway", "remote", "url") : override;
  const candidates: readonly Candidate[] = [
    {
      source: "gateway.remote.token of openclaw.json",
      value: typeof remote === "string" && remote.trim() !== "" ? remote.trim() : undefined,
      isReference: typeof remote === "object" && remote !== null,
    },
    { source: `the environment's ${VARIABLE}`, value: env[VARIABLE]?.trim(), isReference: false },
    { source: `${VARIABLE} of .env`, value: dotenv.get(VARIABLE)?.trim(), isReference: false },
  ];
  const winner = candidates.find(({ value, isReference }) => value !== undefined || isReference);
  const shadowed = candidates
    .filter((one) => one !== winner && one.value !== undefined && one.value !== "")
    .map(({ source }) => source);
  const common = { stateDir, shadowed, url: typeof url === "string" ? withoutSecrets(url) : null };
  if (winner === undefined) return { ...common, source: "nowhere", state: "missing", masked: null, answer: null };
  const { source, value = "" } = winner;
  if (winner.isReference) return { ...common, source, state: "reference", masked: null, answer: null };
  if (value === "") return { ...common, source, state: "empty", masked: null, answer: null };
  return { ...common, source, state: "set", masked: mask(value), answer: await tryIt(value) };
}

/** Scheme, host and port: a user name, a path or a query could hold a token. */
function withoutSecrets(url: string): string | null {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return null;
  }
}
