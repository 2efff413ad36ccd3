import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { GatewayOutputs } from "../operations/outputs.ts";
import { COMMANDS } from "./commands.ts";
import type { Machine } from "./machine.ts";

export interface LiveGateway {
  /** `active`, or what the service manager says; `unknown` when it does not answer. */
  readonly unitState: string;
  /** Name of the live generation, empty when there is none. */
  readonly generation: string;
  /** `ready`, or `not ready` with what fails. */
  readonly health: string;
}

type Located = Pick<GatewayOutputs, "user" | "unit" | "port">;

/** The part of a node's outputs that says where its gateways are. */
export interface LocatedGateways {
  readonly gateways: Readonly<Record<string, Located>>;
}

const READY_TIMEOUT_MS = 120_000;

const ready = z.object({ ready: z.boolean(), failing: z.array(z.unknown()).optional() });

/** How the gateways of a machine are at this moment, by name. */
export async function liveGateways(
  machine: Pick<Machine, "platform" | "exec">,
  node: LocatedGateways,
): Promise<Record<string, LiveGateway>> {
  const live: Record<string, LiveGateway> = {};
  for (const [name, gateway] of Object.entries(node.gateways)) live[name] = await liveGateway(machine, gateway);
  return live;
}

/** Waits until all of them are ready, which takes a while after a start of the machine; two minutes at most. */
export async function waitUntilReady(
  machine: Machine,
  node: LocatedGateways,
  note: (line: string) => void,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (let told = false; ; told = true) {
    const live = await liveGateways(machine, node);
    if (Object.values(live).every(({ health }) => health === "ready") || performance.now() > deadline) return;
    if (!told) note("waiting until the gateway is ready ...");
    await sleep(1000);
  }
}

/** Read on the machine over SSH. */
async function liveGateway(
  machine: Pick<Machine, "platform" | "exec">,
  { user, unit, port }: Located,
): Promise<LiveGateway> {
  const commands = COMMANDS[machine.platform];
  const url = `http://127.0.0.1:${port}/readyz`;
  const { stdout } = await machine.exec(
    [
      `set -- ${user}`,
      commands.home,
      `echo "unit $(${commands.unitState({ user, unit })} 2>/dev/null)"`,
      `echo "generation $(basename "$(readlink "$home/.gatehouse/current")")"`,
      `echo "ready $(curl -s -m 5 ${url} 2>/dev/null || wget -qO- -T 5 ${url} 2>/dev/null)"`,
    ].join("\n"),
  );
  const field = (name: string): string => new RegExp(`^${name} (.+)$`, "m").exec(stdout)?.[1] ?? "";
  return { unitState: field("unit") || "unknown", generation: field("generation"), health: health(field("ready")) };
}

function health(body: string): string {
  if (body === "") return "no answer";
  try {
    const answer = ready.parse(JSON.parse(body));
    return answer.ready ? "ready" : `not ready: ${JSON.stringify(answer.failing ?? [])}`;
  } catch {
    return "another program answers";
  }
}
