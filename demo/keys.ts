import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { writeFileAtomically } from "../sandbox/engine/cache.ts";
import { readKeysFile, type ProviderKeys } from "../sandbox/provider/keys.ts";
import { DEMO } from "./settings.ts";

/** The demo's provider keys, one for each agent, made at the first run. They look like the vendor's and open nothing. */
export async function ensureKeys(file: string): Promise<ProviderKeys> {
  if ((await stat(file).catch(() => undefined)) === undefined) {
    const keys = DEMO.agents.map((agent) => [agent, `sk-ant-api03-${randomBytes(69).toString("base64url")}`] as const);
    await writeFileAtomically(file, `${JSON.stringify(Object.fromEntries(keys))}\n`);
  }
  return readKeysFile(file);
}

/** Name of an agent's key among the stack's secrets. */
export function secretName(agent: string): string {
  return `demo-${agent}`;
}
