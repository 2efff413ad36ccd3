import { readFile } from "node:fs/promises";
import type { ObservedGateway, ObservedNode } from "../../node/audit/observed.ts";
import { judgeObserved, ruleTexts, type Finding } from "../../policies/src/observed.ts";
import { ParameterError } from "../../policies/src/parameters.ts";
import type { Check } from "../check/check.ts";
import { OperationError, type Failure } from "../error.ts";
import type { GatehouseStack } from "../stack.ts";
import { connectTo, isUnreachable, visit } from "../visit/connect.ts";
import { visitTargets, type VisitTarget } from "../visit/targets.ts";
import { observedComponents } from "./components.ts";

export interface AuditOptions {
  /** Nodes or gateways; none: everything. */
  readonly names: readonly string[];
  /** JSON file with levels, parameters and exceptions of the rules. */
  readonly policyConfig?: string;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Address families in which a machine reaches itself and nobody else does. */
function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function finding(rule: string, resource: string, problem: string): Finding {
  const { title, fix, level } = ruleTexts(rule);
  return { rule, level, resource, message: `${title}: ${problem}`, fix };
}

/** What the rules' fields have no place for: the running process, its port, its PATH, the vendor's own audits. */
function beyondTheRules(gateway: ObservedGateway, hasHttps: boolean): readonly Finding[] {
  const { gateway: name, hardening, listeners, others = [], vendor = [] } = gateway;
  const open = listeners.filter((address) => !isLoopback(address));
  return [
    ...(hardening ?? []).map((text) => finding("GH206", name, `of the running process: ${text}`)),
    ...(open.length === 0 || hasHttps ? [] : [finding("GH401", name, `its port is served on ${open.join(", ")}`)]),
    ...(others ?? []).map((path) => finding("GH304", name, `${path} is on its unit's PATH`)),
    ...vendor.flatMap(({ command, findings }) =>
      (findings ?? []).map((text): Finding => ({
        rule: "openclaw",
        level: "mandatory",
        resource: name,
        message: `${command}: ${text}`,
        fix: `run \`${command}\` on the node as the gateway's user; \`gatehouse drift\` says whether somebody changed something`,
      })),
    ),
  ];
}

function undecided(resource: string, message: string, fix: string): Failure {
  return { code: "not-seen", resource, message, fix };
}

/** Why the verdict on a gateway is not whole; empty when it is. */
function gapsOf(gateway: ObservedGateway): readonly Failure[] {
  const { gateway: name, failure, vendor = [], hardening, others, listeners } = gateway;
  const look = `run \`gatehouse diagnose ${name}\``;
  if (failure !== null) return [undecided(name, failure, look)];
  return [
    ...(hardening === null ? [undecided(name, "its process is not there to be looked at", look)] : []),
    ...(listeners.length === 0 ? [undecided(name, "nobody listens on its port", look)] : []),
    ...(others === null ? [undecided(name, "its unit's PATH could not be looked at", look)] : []),
    ...vendor.flatMap(({ command, findings }) =>
      findings === null
        ? [undecided(name, `\`${command}\` has no verdict`, `${look}; run the command on the node`)]
        : [],
    ),
  ];
}

async function visitNode(target: VisitTarget, { progress, signal }: AuditOptions) {
  const { node, connection, programId, machineId, gateways } = target;
  const connected = await connectTo(connection, signal);
  if ("unreachable" in connected) return { node, answer: connected.unreachable };
  try {
    const payload = {
      machineId,
      gateways: gateways.map(({ gateway, user, home, port, unit, agents, paths }) => ({ gateway, user, home, port, unit, agents, paths })), // prettier-ignore
    };
    const answer = await visit(connected.ssh.client, {
      ...{ programId, name: "audit", payload },
      progress: (line) => {
        progress(`${node}: ${line}`);
      },
    });
    return { node, answer };
  } finally {
    connected.ssh.close();
  }
}

async function configOf(path: string | undefined): Promise<Readonly<Record<string, unknown>>> {
  if (path === undefined) return {};
  try {
    return JSON.parse(await readFile(path, "utf8")) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new OperationError(
      [{ code: "file", message: `${path} can't be read as JSON`, fix: "see docs/how-to/policies.md" }],
      { cause: error },
    );
  }
}

function judge(...args: Parameters<typeof judgeObserved>): readonly Finding[] {
  try {
    return judgeObserved(...args);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    throw OperationError.of("input", error.message, "correct the file given with --policy-config");
  }
}

/**
 * The rule catalogue on the live machines, with the vendor's own audits: one SSH connection for each, nothing is changed.
 * @throws {OperationError} `input` for a name that the stack does not have, or a policy configuration that no rule takes.
 */
export async function audit(stack: GatehouseStack, options: AuditOptions): Promise<Check> {
  const config = await configOf(options.policyConfig);
  const [outputs, settings, components] = await Promise.all([stack.outputs(), stack.settings(), stack.components()]);
  const targets = await visitTargets(settings, outputs, options.names);
  const answers = await Promise.all(targets.map((target) => visitNode(target, options)));
  const failures: Failure[] = [];
  const nodes = new Map<string, ObservedNode>();
  for (const { node, answer } of answers) {
    if (isUnreachable(answer)) failures.push(undecided(node, answer.message, answer.fix));
    else if (answer.machineId !== targets.find((target) => target.node === node)?.machineId)
      failures.push(undecided(node, "this is not the machine that was provisioned", "docs/how-to/replaced-machine.md"));
    else nodes.set(node, answer);
  }
  const seen = [...nodes.values()].flatMap(({ gateways }) => gateways);
  failures.push(...seen.flatMap(gapsOf));
  const withHttps = new Set(
    targets.flatMap(({ gateways }) => gateways.flatMap((one) => (one.https ? [one.gateway] : []))),
  );
  const violations = [
    ...judge(observedComponents(components, nodes), config, new Date()),
    ...seen.flatMap((gateway) => beyondTheRules(gateway, withHttps.has(gateway.gateway))),
  ].sort((left, right) => Number(right.level === "mandatory") - Number(left.level === "mandatory"));
  const found = violations.some(({ level }) => level === "mandatory") ? "violations" : "clean";
  return { verdict: failures.length > 0 || targets.length === 0 ? "undecided" : found, violations, failures };
}
