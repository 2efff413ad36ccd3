import { credentialState } from "./outputs.ts";
import type { StackOutputs } from "./outputs.ts";
import type { RunReport } from "./stack.ts";

const WORDS: Readonly<Record<string, readonly [planned: string, done: string]>> = {
  create: ["to create", "created"],
  update: ["to update", "updated"],
  delete: ["to delete", "deleted"],
  replace: ["to replace", "replaced"],
  same: ["unchanged", "unchanged"],
};

/** What a preview found: `3 to create, 8 unchanged (4.2 s)`. */
export function plannedText(report: RunReport): string {
  return countsText(report, 0);
}

/** What a run did: `3 created, 8 unchanged (42.1 s)`. */
export function doneText(report: RunReport): string {
  return countsText(report, 1);
}

function countsText({ changes, seconds }: RunReport, tense: 0 | 1): string {
  const counts = Object.entries(changes).map(([op, count]) => `${count} ${WORDS[op]?.[tense] ?? op}`);
  return `${counts.length === 0 ? "nothing to do" : counts.join(", ")} (${seconds.toFixed(1)} s)`;
}

/** One block for each gateway. Give it the public outputs. */
export function outputsText(outputs: StackOutputs): string {
  const blocks = Object.entries(outputs.nodes).flatMap(([node, { host, openclawVersion, nodeVersion, gateways }]) =>
    Object.entries(gateways).map(([name, gateway]) =>
      [
        `${name} on ${node} (${host}): ${gateway.health}, unit ${gateway.unit} ${gateway.unitState}`,
        `  endpoint ${gateway.endpoint}, OpenClaw ${openclawVersion}, Node ${nodeVersion}, user ${gateway.user}`,
        `  generation ${gateway.generation}, ${gateway.rollbackPoints} to roll back to, token ${gateway.tokenFingerprint}`,
        ...Object.entries(gateway.agents).flatMap(([agent, { model, credentials }]) =>
          credentials.map(
            (credential) =>
              `  ${agent}: ${model}, ${credential.provider} key ${credentialState(credential)} in ${credential.variable}`,
          ),
        ),
      ].join("\n"),
    ),
  );
  return blocks.length === 0 ? "there are no gateways in this stack" : blocks.join("\n");
}
