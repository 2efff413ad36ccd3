import type { NodeEvidence } from "../../../node/diagnose/evidence.ts";
import type { Finding, Rule } from "../finding.ts";
import type { ServiceCommands } from "../service-commands.ts";

/** Below it neither the gateway's databases nor its log can grow. */
const FULL_BYTES = 64 * 1024 * 1024;
/** A start makes some hundred files. */
const FULL_INODES = 1000;
/** Certificates, signatures and cooldowns go wrong from about here. */
const SKEW_SECONDS = 60;

/** What makes the rest meaningless; also without a user to look as. */
export function machineFindings(node: NodeEvidence, commands: ServiceCommands): Finding[] {
  const found: Finding[] = [];
  if (node.machineId.toLowerCase() !== node.expectedMachineId.toLowerCase()) {
    found.push({
      layer: "host",
      code: "another-machine",
      confidence: "high",
      evidence: [`the machine is ${node.machineId}, provisioned was ${node.expectedMachineId}`],
      firstCommand: commands.machineId,
      nextStep: "check that the address leads to the machine you mean: docs/how-to/replaced-machine.md",
    });
  }
  if (node.uid === null) {
    found.push({
      layer: "host",
      code: "user-missing",
      confidence: "high",
      evidence: ["the gateway's user does not exist on the node, or has another home directory"],
      firstCommand: commands.user,
      nextStep: "apply the account phase again: `pulumi up --replace` with the URN of GATEWAY-account",
    });
  }
  if (node.freeBytes !== null && node.freeBytes < FULL_BYTES) {
    found.push({
      layer: "host",
      code: "disk-full",
      confidence: "high",
      evidence: [`${Math.floor(node.freeBytes / 1024)} KiB are free where the gateway's home is`],
      firstCommand: "df -h ~USER",
      nextStep: `make room, then ${commands.restart}; change no token and no key for it`,
    });
  }
  if (typeof node.freeInodes === "number" && node.freeInodes < FULL_INODES) {
    found.push({
      layer: "host",
      code: "inodes-used-up",
      confidence: "high",
      evidence: [`${node.freeInodes} more files can be made where the gateway's home is`],
      firstCommand: "df -i ~USER",
      nextStep: `find the directory with all the files, then ${commands.restart}; change no token and no key for it`,
    });
  }
  return found;
}

/** Which of two clocks is wrong, as far as the node can say. */
function clockWords(synchronized: boolean | null): string {
  if (synchronized === null) return "whether the node's follows a time server is not known";
  return synchronized
    ? "the node's follows a time server: this machine's is suspect"
    : "the node's follows no time server";
}

/** Somebody else has the port: the gateway cannot start, and clients talk to a stranger. */
export const portTaken: Rule = ({ node }, commands) =>
  node.listener === "own" || node.listener === "nobody"
    ? []
    : [
        {
          layer: "host",
          code: "port-taken",
          confidence: "high",
          evidence: [`the gateway's port belongs to ${node.listener}, not to the gateway's user`],
          firstCommand: commands.listeners,
          nextStep: `stop what listens there, then ${commands.restart}`,
        },
      ];

/** Harmless now, fatal at the next boot or certificate. */
export const slowFaults: Rule = ({ node, clockAhead }, commands) => [
  ...(node.lingers === false
    ? [
        {
          layer: "host",
          code: "linger-off",
          confidence: "high",
          evidence: [
            "the gateway's user does not linger: its service ends with the last login and does not start at boot",
            ...(node.gateway.unit === null ? ["its service manager gives no answer: it has ended already"] : []),
          ],
          firstCommand: commands.lingers,
          nextStep: commands.linger,
        } as const,
      ]
    : []),
  ...(clockAhead !== null && Math.abs(clockAhead) > SKEW_SECONDS
    ? [
        {
          layer: "host",
          code: "clock-skew",
          confidence: "medium",
          evidence: [
            `the node's clock is ${Math.abs(Math.round(clockAhead))} s ${clockAhead < 0 ? "behind" : "ahead of"} this machine's`,
            clockWords(node.clockSynchronized),
          ],
          firstCommand: commands.clock,
          nextStep: "make both clocks follow a time server",
        } as const,
      ]
    : []),
];
