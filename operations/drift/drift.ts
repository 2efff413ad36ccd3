import type { Deviation, DriftPayload, NodeDrift, NodeRepair } from "../../node/drift/deviation.ts";
import type { GatehouseStack } from "../stack.ts";
import { connectTo, isUnreachable, visit } from "../visit/connect.ts";
import type { Unreachable } from "../visit/connect.ts";
import { visitTargets, type VisitTarget } from "../visit/targets.ts";

export interface DriftOptions {
  /** Nodes or gateways; none: everything. */
  readonly names: readonly string[];
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface NodeAnswer<T> {
  readonly node: string;
  readonly answer: T | Unreachable;
}

/** `undecided` when a machine gave no answer, or something could not be found out. */
export type DriftVerdict = "none" | "drift" | "undecided";

/** Exit statuses of `gatehouse drift`. */
export const DRIFT_STATUS = { none: 0, drift: 1, undecided: 2 } as const satisfies Record<DriftVerdict, number>;

export interface Drift {
  readonly verdict: DriftVerdict;
  readonly nodes: readonly NodeAnswer<NodeDrift>[];
  readonly seconds: number;
}

export interface Repair {
  /** Of what is left. */
  readonly verdict: DriftVerdict;
  readonly nodes: readonly NodeAnswer<NodeRepair>[];
  readonly seconds: number;
}

/** Every deviation of a machine and of its gateways. */
export function deviationsOf({ deviations, gateways }: NodeDrift): readonly Deviation[] {
  return [...deviations, ...gateways.flatMap((gateway) => gateway.deviations)];
}

export function verdictOf(nodes: readonly (NodeDrift | Unreachable)[]): DriftVerdict {
  const answers = nodes.filter((node): node is NodeDrift => !isUnreachable(node));
  const found = answers.flatMap(deviationsOf);
  if (answers.length < nodes.length || nodes.length === 0 || found.some(({ kind }) => kind === "unknown"))
    return "undecided";
  return found.length === 0 ? "none" : "drift";
}

async function visitNode<N extends "drift" | "repair">(
  name: N,
  { node, connection, programId, machineId, alwaysOn, gateways }: VisitTarget,
  { progress, signal }: DriftOptions,
) {
  const payload: DriftPayload = {
    machineId,
    alwaysOn,
    gateways: gateways.map(({ gateway, user, home, unit, generation, agents, metrics }) => ({
      ...{ gateway, user, home, unit, generation, agents },
      ...(metrics && { metrics }),
    })),
  };
  const connected = await connectTo(connection, signal);
  if ("unreachable" in connected) return { node, answer: connected.unreachable };
  try {
    return {
      node,
      answer: await visit(connected.ssh.client, {
        ...{ programId, name, payload },
        progress: (line) => {
          progress(`${node}: ${line}`);
        },
      }),
    };
  } finally {
    connected.ssh.close();
  }
}

async function visitAll<N extends "drift" | "repair">(stack: GatehouseStack, name: N, options: DriftOptions) {
  const [outputs, settings] = await Promise.all([stack.outputs(), stack.settings()]);
  const targets = await visitTargets(settings, outputs, options.names);
  return await Promise.all(targets.map((target) => visitNode(name, target, options)));
}

function since(start: number): number {
  return Math.round((performance.now() - start) / 100) / 10;
}

/**
 * What differs on the machines from what the last update left there; one SSH connection for each, and nothing is changed.
 * @throws {OperationError} `input` for a name that the stack does not have.
 */
export async function drift(stack: GatehouseStack, options: DriftOptions): Promise<Drift> {
  const start = performance.now();
  const nodes = await visitAll(stack, "drift", options);
  return { verdict: verdictOf(nodes.map(({ answer }) => answer)), nodes, seconds: since(start) };
}

/**
 * Mends on the machines what can be mended from their live generations, and looks again.
 * @throws {OperationError} `input` for a name that the stack does not have.
 */
export async function repair(stack: GatehouseStack, options: DriftOptions): Promise<Repair> {
  const start = performance.now();
  const nodes = await visitAll(stack, "repair", options);
  const after = nodes.map(({ answer }) => (isUnreachable(answer) ? answer : answer.after));
  return { verdict: verdictOf(after), nodes, seconds: since(start) };
}
