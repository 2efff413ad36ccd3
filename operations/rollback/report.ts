import type { RollbackPlan } from "./plan.ts";
import { credentialText } from "./plan.ts";
import type { Rollback } from "./rollback.ts";

const list = (texts: readonly string[]): string => (texts.length === 0 ? "none" : texts.join("; "));

/** For people, before it happens. */
export function planText({ from, to }: RollbackPlan): string {
  const { generation, openclawVersion, lastLive, credentials, obstacle } = to;
  return [
    `${from} -> ${generation}, made live ${lastLive}, OpenClaw ${openclawVersion}`,
    `  credentials with another value: ${list(credentials.map(credentialText))}`,
    ...(obstacle === null ? [] : [`  ${obstacle.message}: the state that this version left comes back`]),
  ].join("\n");
}

/** For people, afterwards. */
export function rollbackText(done: Rollback): string {
  const { node, gateway, from, to, openclawVersion, interruptionSeconds, health, restoredState, credentials } = done;
  const changed = credentials.map((one) => `${credentialText(one)}: ${one.before ?? "none"} -> ${one.after ?? "none"}`);
  return [
    `${gateway} on ${node}: ${from} -> ${to}, OpenClaw ${openclawVersion}, ${health}, interrupted for ${interruptionSeconds.toFixed(1)} s`,
    `  credentials with another value: ${list(changed)}`,
    `  OpenClaw's state: ${restoredState === null ? "as it was" : `of ${restoredState}`}`,
    `  the stack still declares ${from}: bring the fleet back to what serves now before the next update`,
    `  ${done.seconds.toFixed(1)} s in all; entry ${done.record.seq} of ${done.record.path}`,
  ].join("\n");
}
