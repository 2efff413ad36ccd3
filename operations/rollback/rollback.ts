import { parseFleet } from "../../spec/index.ts";
import type { ConfirmPayload, RollbackSubject, RolledBack } from "../../node/rollback/point.ts";
import type { VerifyResult } from "../../node/protocol.ts";
import { OperationError } from "../error.ts";
import type { LedgerLine, StackOutputs } from "../outputs.ts";
import { recorded } from "../record/recorded.ts";
import type { Appended } from "../record/store.ts";
import { FLEET_KEY } from "../settings.ts";
import type { GatehouseStack } from "../stack.ts";
import type { VisitTypes } from "../../node/visits.ts";
import type { SshConnection } from "../../sandbox/plugins/command/dial.ts";
import { connectTo, isUnreachable, visit } from "../visit/connect.ts";
import type { Unreachable } from "../visit/connect.ts";
import { visitTargets } from "../visit/targets.ts";
import type { VisitedGateway, VisitTarget } from "../visit/targets.ts";
import { rollbackPlan, type RollbackPlan, type RollbackRequest } from "./plan.ts";

export interface RollbackOptions {
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
  /** Shown what will happen; throws when it must not. */
  readonly approve: (plan: RollbackPlan) => Promise<void>;
}

export interface Rollback extends RolledBack {
  readonly node: string;
  readonly gateway: string;
  /** As the second SSH session found it. */
  readonly health: VerifyResult["health"];
  readonly seconds: number;
  readonly record: Appended;
}

interface Place {
  readonly target: VisitTarget;
  readonly own: VisitedGateway;
}

async function placeOf(stack: GatehouseStack, outputs: StackOutputs, gateway: string): Promise<Place> {
  const targets = await visitTargets(await stack.settings(), outputs, [gateway]);
  for (const target of targets) {
    const own = target.gateways.find((found) => found.gateway === gateway);
    if (own !== undefined) return { target, own };
  }
  throw OperationError.of("input", `${gateway} is a node`, "name one gateway");
}

function noAnswer({ kind, message, fix }: Unreachable, node: string): OperationError {
  return new OperationError([{ code: kind.replaceAll(" ", "-"), message, fix, resource: node }]);
}

function answered<T extends object>(answer: T | Unreachable, node: string): T {
  if (isUnreachable(answer)) throw noAnswer(answer, node);
  return answer;
}

/** Devices that the fleet keeps paired whatever the gateway token is. */
async function keptDevices(stack: GatehouseStack, gateway: string): Promise<readonly string[]> {
  const text = (await stack.settings())[FLEET_KEY] ?? "{}";
  const declared = parseFleet(JSON.parse(text)).nodes.flatMap(({ gateways }) => gateways);
  return declared.find(({ name }) => name === gateway)?.keepDevices ?? [];
}

/** The stack's outputs as they would say what the node now serves. */
function outputsAfter(outputs: StackOutputs, { target, own }: Place, done: RolledBack): StackOutputs {
  const node = outputs.nodes[target.node];
  const gateway = node?.gateways[own.gateway];
  if (node === undefined || gateway === undefined) return outputs;
  const { from, to, openclawVersion, credentials } = done;
  const after = new Map(credentials.map((one) => [one.variable, one.after]));
  const line = (entry: LedgerLine): LedgerLine =>
    entry.gateway === own.gateway && entry.variable !== null && after.has(entry.variable)
      ? { ...entry, fingerprint: after.get(entry.variable) ?? null }
      : entry;
  const changed = { ...gateway, generation: to, previousGeneration: from, openclawVersion };
  return {
    ...outputs,
    ledger: outputs.ledger.map(line),
    nodes: {
      ...outputs.nodes,
      [target.node]: { ...node, gateways: { ...node.gateways, [own.gateway]: changed } },
    },
  };
}

/**
 * Makes an earlier generation of a gateway live again, from what its node has: behind the same gate as any switch, and
 * confirmed from a second SSH session. A gate that fails has returned to what served. Every attempt that touched the node
 * is on record; the stack still declares what it declared.
 * @throws {OperationError} `input`, `rollback` before anything is touched; what the node says.
 */
export async function rollback(
  stack: GatehouseStack,
  request: RollbackRequest,
  { progress, signal, approve }: RollbackOptions,
): Promise<Rollback> {
  const start = performance.now();
  const outputs = await stack.outputs();
  const place = await placeOf(stack, outputs, request.gateway);
  const { target, own } = place;
  const subject: RollbackSubject = {
    machineId: target.machineId,
    gateway: own.gateway,
    user: own.user,
    home: own.home,
    unit: own.unit,
  };
  const say = (line: string): void => {
    progress(`${target.node}: ${line}`);
  };
  const call = async <N extends "rollback-points" | "rollback" | "rollback-confirm">(
    { client }: SshConnection,
    name: N,
    payload: VisitTypes[N]["payload"],
  ): Promise<VisitTypes[N]["result"]> => {
    const answer = await visit(client, { programId: target.programId, name, payload, progress: say });
    return answered(answer, target.node);
  };
  const session = async () => {
    const connected = await connectTo(target.connection, signal);
    if ("ssh" in connected) return connected.ssh;
    throw noAnswer(connected.unreachable, target.node);
  };
  const { value, record } = await recorded(stack, "rollback", progress, async (begun) => {
    const ssh = await session();
    let done: RolledBack;
    try {
      const points = await call(ssh, "rollback-points", subject);
      const plan = rollbackPlan(points, request);
      await approve(plan);
      await begun({ from: plan.from, to: plan.to.generation });
      const payload = { ...subject, to: plan.to.generation, state: request.state };
      done = await call(ssh, "rollback", payload);
    } finally {
      ssh.close();
    }
    const second = await session();
    try {
      const confirm: ConfirmPayload = {
        ...subject,
        generation: done.to,
        port: own.port,
        openclawVersion: done.openclawVersion,
        keepDevices: await keptDevices(stack, own.gateway),
      };
      const { health } = await call(second, "rollback-confirm", confirm);
      const detail = { ...done, ...(request.together !== undefined && { bothLayers: request.together }) };
      return { value: { ...done, health }, outputs: outputsAfter(outputs, place, done), detail };
    } finally {
      second.close();
    }
  });
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  return { ...value, node: target.node, gateway: own.gateway, seconds, record };
}
