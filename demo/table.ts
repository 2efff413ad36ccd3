import Table from "cli-table3";
import { credentialState } from "../operations/outputs.ts";
import type { CredentialOutputs, GatewayOutputs, NodeOutputs } from "../operations/outputs.ts";
import { RECORDS_PATH } from "../sandbox/provider/index.ts";
import { COMMANDS } from "./commands.ts";
import type { LiveGateway } from "./live.ts";
import type { Machine } from "./machine.ts";
import type { DemoPaths } from "./settings.ts";
import type { TurnReport } from "./turns.ts";

/** What the demo built: the gateways and their agents. */
export function gatewayTable(name: string, node: NodeOutputs, live: Readonly<Record<string, LiveGateway>>): string {
  const table = new Table({
    head: ["node", "gateway", "versions", "unit", "health", "generation"],
    style: { head: [], border: [] },
  });
  for (const [id, gateway] of Object.entries(node.gateways)) {
    const now = live[id];
    table.push([
      `${name}\n${node.user}@${node.host}:${node.port}`,
      `${id} (${gateway.environment})\n${gateway.user}, port ${gateway.port}`,
      `OpenClaw ${gateway.openclawVersion}\nNode ${node.nodeVersion}`,
      `${gateway.unit}\n${now?.unitState ?? "unknown"}`,
      now?.health ?? "unknown",
      now?.generation ?? "",
    ]);
  }
  return table.toString();
}

function stateOf(credential: CredentialOutputs): string {
  return credential.resolve === "deploy"
    ? `${credential.fingerprint}  ${credential.masked}`
    : credentialState(credential);
}

/** Each agent with the variable that carries its key, the key's fingerprint, and what its turn showed. */
export function agentTable(node: NodeOutputs, turns: readonly TurnReport[]): string {
  const table = new Table({
    head: ["agent", "key: variable, fingerprint, first and last characters", "one real turn"],
    style: { head: [], border: [] },
  });
  for (const gateway of Object.values(node.gateways)) {
    for (const [agent, { credentials }] of Object.entries(gateway.agents)) {
      const turn = turns.find((report) => report.agent === agent);
      const result = turn && `${turn.ok ? "ok" : "FAILED"} (${turn.seconds.toFixed(1)} s)\n${turn.detail}`;
      for (const credential of credentials) {
        const { provider, variable } = credential;
        table.push([`${agent}\n${provider}`, `${variable}\n${stateOf(credential)}`, result ?? "none"]);
      }
    }
  }
  return table.toString();
}

/** How to look further, and how to remove it. */
export function closingText(
  { ssh, platform }: Machine,
  gateway: GatewayOutputs,
  providerPort: number,
  paths: DemoPaths,
): string {
  const login = `ssh -p ${ssh.port} -i ${ssh.identityFile} -o UserKnownHostsFile=${paths.knownHosts} ${ssh.user}@${ssh.host}`;
  return [
    "Look further:",
    `  ${login}`,
    ...COMMANDS[platform].look(gateway).map((command) => `    ${command}`),
    `  curl -s http://127.0.0.1:${providerPort}${RECORDS_PATH}    # which key came with each request`,
    "  npm run demo -- status --json",
    "Remove it:",
    "  npm run demo -- down",
  ].join("\n");
}
