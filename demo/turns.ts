import type { GatewayOutputs } from "../operations/outputs.ts";
import { fetchRecords } from "../sandbox/provider/index.ts";
import { keyProblem } from "./key-problem.ts";
import type { Machine } from "./machine.ts";
import { agentTurn } from "./turn.ts";

export interface TurnReport {
  readonly agent: string;
  /** Answered, and with this agent's key and no other. */
  readonly ok: boolean;
  readonly seconds: number;
  /** For the table; never a key. */
  readonly detail: string;
}

/** One real turn of each agent, one after the other, each compared with what the provider recorded meanwhile. */
export async function runTurns(
  machine: Machine,
  gateway: GatewayOutputs,
  providerPort: number,
  note: (line: string) => void,
): Promise<TurnReport[]> {
  const reports: TurnReport[] = [];
  const before: string[] = [];
  for (const agent of Object.keys(gateway.agents)) {
    note(`${agent}: asking for one answer ...`);
    const seen = (await fetchRecords(providerPort)).length;
    const turn = await agentTurn(machine, { user: gateway.user, platform: machine.platform }, agent);
    const keys = keyProblem(agent, (await fetchRecords(providerPort)).slice(seen), before);
    before.push(agent);
    const detail = !turn.ok ? turn.detail : (keys ?? `answered, with the key of ${agent}`);
    reports.push({ agent, ok: turn.ok && keys === undefined, seconds: turn.seconds, detail });
    note(`${agent}: ${detail} (${turn.seconds.toFixed(1)} s)`);
  }
  return reports;
}
