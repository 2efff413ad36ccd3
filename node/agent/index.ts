import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { gatewayDirectories, gatewayHome } from "../lib/gateway-home.ts";
import { withGatewayLock } from "../lib/gateway-lock.ts";
import { gatewayUser, ownUser } from "../lib/gateway-user.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { absolutePath, gatewayName, list, machineExpectation, object, userName } from "../lib/shape.ts";
import { deliveredCredentials, stagedCredentialsPath } from "../generation/credentials.ts";
import { listGenerations, liveGeneration, readGeneration, removeGeneration } from "../generation/store.ts";
import type { Context, Phase, Removed } from "../phase.ts";
import type { AgentPayload, AgentResult } from "../protocol.ts";
import { readJournal } from "../switch/journal.ts";

const shape = object<AgentPayload>({
  machine: machineExpectation,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  agent: gatewayName,
  workspace: absolutePath,
  mountPoints: list(absolutePath),
  credentials: deliveredCredentials,
});

const check = (payload: unknown): AgentPayload => shape(payload, "payload");

async function stage(untrusted: unknown, context: Context): Promise<undefined> {
  const payload = check(untrusted);
  const home = gatewayHome(ownUser().home);
  for (const path of gatewayDirectories(ownUser().home, [payload.agent])) await ensureDirectory(path, { mode: 0o700 });
  // the user manager would make them too, but open to others
  for (const path of payload.mountPoints) {
    await ensureDirectory(dirname(path), { mode: 0o700 });
    await ensureDirectory(path, { mode: 0o700 });
  }
  await withGatewayLock(home, context, async () => {
    const path = stagedCredentialsPath(home, payload.agent);
    await ensureDirectory(dirname(path), { mode: 0o700 });
    const content = `${JSON.stringify(payload.credentials)}\n`;
    if ((await readTextOrNull(path)) !== content) await writeFileAtomic(path, content, { mode: 0o600 });
  });
}

/** Generations that carry a credential of the agent: without it they are no point to return to. */
async function generationsWith(agent: string, home: ReturnType<typeof gatewayHome>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await listGenerations(home)) {
    const stored = await readGeneration(home, name);
    if (stored === null || stored.manifest.agents.some(({ id }) => id === agent)) found.push(name);
  }
  return found;
}

async function removeAgent(untrusted: unknown, context: Context): Promise<Removed> {
  const payload = check(untrusted);
  const home = gatewayHome(ownUser().home);
  if ((await readTextOrNull(stagedCredentialsPath(home, payload.agent))) === null) return { removed: [], kept: [] };
  return await withGatewayLock(home, context, async () => {
    const needed = [await liveGeneration(home), (await readJournal(home))?.from];
    const carrying = await generationsWith(payload.agent, home);
    const serving = carrying.find((name) => needed.includes(name));
    if (serving !== undefined) {
      return {
        removed: [],
        kept: [`credentials of agent ${payload.agent}: the live generation ${serving} needs them`],
      };
    }
    for (const name of carrying) await removeGeneration(home, name);
    await rm(join(home.agents, payload.agent), { recursive: true, force: true });
    return {
      removed: [
        `credentials of agent ${payload.agent}`,
        ...carrying.map((name) => `generation ${name}, which carried them`),
      ],
      kept: [`workspace ${payload.workspace} and the agent's sessions`],
    };
  });
}

async function apply(payload: AgentPayload, context: Context): Promise<AgentResult> {
  const user = await gatewayUser(context.platform.users, payload.user, payload.home);
  await context.asUser(user, "agent-stage", payload, { timeoutSeconds: 700 });
  return {
    agent: payload.agent,
    credentials: payload.credentials.map(({ provider, variable, fingerprint }) => ({
      provider,
      variable,
      fingerprint,
    })),
  };
}

async function remove(payload: AgentPayload, context: Context): Promise<Removed> {
  const user = await context.platform.users.find(payload.user);
  if (user === undefined) return { removed: [], kept: [] };
  return (await context.asUser(user, "agent-remove", payload, { timeoutSeconds: 700 })) as Removed;
}

/** Stages what one agent's next generation carries, in directories of its own; the gateway phase makes it live. */
export const agentPhase: Phase<"agent"> = {
  name: "agent",
  watchdogSeconds: 720,
  check,
  apply,
  remove,
  userCommands: { "agent-stage": stage, "agent-remove": removeAgent },
};
