import type { Deviation, NodeDrift } from "../../node/drift/deviation.ts";
import { isUnreachable } from "../visit/connect.ts";
import type { Unreachable } from "../visit/connect.ts";
import { deviationText } from "../../render/deviation-text.ts";
import type { Drift, Repair } from "./drift.ts";

const WORDS = { none: "no drift", drift: "drift", undecided: "undecided: not everything could be looked at" } as const;

const MENDS = {
  repair: "`drift --repair` mends it",
  up: "`up --refresh` mends it",
  "by hand": "to be mended by hand",
} as const;

function nodeLines(node: string, answer: NodeDrift | Unreachable): string[] {
  if (isUnreachable(answer)) return [`${node}: ${answer.message}`, `  fix: ${answer.fix}`];
  const part = (name: string, found: readonly Deviation[]): string[] => [
    `  ${name}: ${found.length === 0 ? "as declared" : `${found.length} deviation${found.length === 1 ? "" : "s"}`}`,
    ...found.map((one) => `    ${deviationText(one, MENDS)}`),
  ];
  return [
    node,
    ...part("machine", answer.deviations),
    ...answer.gateways.flatMap(({ gateway, deviations }) => part(gateway, deviations)),
  ];
}

/** For people. */
export function driftText({ verdict, nodes, seconds }: Drift): string {
  return [
    ...nodes.flatMap(({ node, answer }) => nodeLines(node, answer)),
    `${WORDS[verdict]} (${seconds.toFixed(1)} s)`,
  ].join("\n");
}

/** For people: what was done, and what is left. */
export function repairText({ verdict, nodes, seconds }: Repair): string {
  return [
    ...nodes.flatMap(({ node, answer }) =>
      isUnreachable(answer)
        ? nodeLines(node, answer)
        : [...answer.done.map((line) => `${node}: ${line}`), ...nodeLines(node, answer.after)],
    ),
    `${verdict === "none" ? "nothing differs any more" : WORDS[verdict]} (${seconds.toFixed(1)} s)`,
  ].join("\n");
}
