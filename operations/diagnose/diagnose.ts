import { hostname, userInfo } from "node:os";
import type { TokenAnswer } from "../../node/diagnose/evidence.ts";
import { scrubber } from "../../node/diagnose/scrub.ts";
import type { GatehouseStack } from "../stack.ts";
import { clientEvidence, clientStateDirectory } from "./client.ts";
import { connectTo, visit } from "../visit/connect.ts";
import { isUnreachable } from "../visit/connect.ts";
import type { ClientEvidence, Evidence, Frozen } from "./evidence.ts";
import { lookThroughTunnel, tryToken } from "./here.ts";
import { routeAddress } from "./route/address.ts";
import { clientUrl } from "./route/client.ts";
import type { RouteAddress } from "./route/evidence.ts";
import { lookAtRoute, newMarks } from "./route/look.ts";
import type { Resolve } from "./route/wire.ts";
import { classifySymptom } from "./symptom.ts";
import { findTarget } from "./target.ts";
import type { Target } from "./target.ts";
import { verdictOf } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

export interface DiagnoseOptions {
  readonly gateway: string;
  /** Default: every agent of the gateway. */
  readonly agent?: string;
  /** Error text as it was shown. */
  readonly symptom?: string;
  /** How far back the unit's log is read. */
  readonly sinceSeconds: number;
  /** State directory of an OpenClaw client here; default: looked at only where the symptom is about a session. */
  readonly client?: string;
  /** Address that the failing client uses: `ws`, `wss`, `http` or `https`. Default: that of `client`, if it has one. */
  readonly url?: string;
  /** PEM of a certificate authority that the failing client trusts. */
  readonly authority?: string;
  /** Addresses of a name; default: the system's. */
  readonly resolve?: Resolve;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Diagnosis extends Verdict {
  readonly frozen: Frozen;
  readonly seconds: number;
  /** All that was seen; no secret. */
  readonly seen: Pick<Evidence, "expected" | "node" | "clockAhead" | "here" | "client" | "route">;
}

/**
 * Follows the runbook for one gateway and changes nothing: freezes the question, opens one SSH connection, collects on the
 * node, probes through the tunnel, and judges.
 * @throws {OperationError} when the stack does not know the gateway.
 */
export async function diagnose(stack: GatehouseStack, options: DiagnoseOptions): Promise<Diagnosis> {
  const start = performance.now();
  const { progress } = options;
  const [outputs, settings] = await Promise.all([stack.outputs(), stack.settings()]);
  const agent = options.agent ?? null;
  const target = await findTarget(settings, outputs, { ...options, agent });
  const secrets = [outputs.gatewayTokens, outputs.principalKeys]
    .flatMap((values) => Object.values(values))
    .concat(keysOf(settings));
  const symptom = options.symptom === undefined ? null : scrubber(secrets)(options.symptom).slice(0, 2000);
  const frozen: Frozen = {
    time: localTime(new Date()),
    symptom,
    symptomClass: classifySymptom(symptom),
    stack: stack.name,
    node: target.node,
    gateway: options.gateway,
    agent,
    operator: `${userInfo().username}@${hostname()}`,
  };
  const address = await addressOf(options);
  progress(`one SSH connection to ${target.node}`);
  const seen = await look(target, options, frozen, { address, token: outputs.gatewayTokens[options.gateway] ?? null });
  const evidence: Evidence = { frozen, expected: target.expected, ...seen };
  const { expected, node, clockAhead, here, client, route } = evidence;
  return {
    ...named(verdictOf(evidence), target, agent),
    frozen,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    seen: { expected, node, clockAhead, here, client, route },
  };
}

interface Outside {
  readonly address: RouteAddress | null;
  /** SECRET. */
  readonly token: string | null;
}

/** @throws {OperationError} `input` for a text that is no address. */
async function addressOf({ url, client }: DiagnoseOptions): Promise<RouteAddress | null> {
  if (url !== undefined) return routeAddress(url, "--url");
  // a configuration that can't be read is told with the client's token
  const found = client === undefined ? null : await clientUrl(client, process.env).catch(() => null);
  return found === null ? null : routeAddress(found.url, found.source);
}

async function look(target: Target, options: DiagnoseOptions, frozen: Frozen, { address, token }: Outside) {
  const nothing = { clockAhead: null, here: null, client: null, route: null };
  const connected = await connectTo(target.connection, options.signal);
  if ("unreachable" in connected) return { ...nothing, node: connected.unreachable };
  const { ssh } = connected;
  try {
    const { payload } = target;
    const asked = Date.now();
    const marks = newMarks();
    const tunnelled = lookThroughTunnel(ssh.client, target.end, marks.tunnel);
    const outside =
      address === null
        ? null
        : lookAtRoute(ssh.client, target, {
            address,
            token,
            marks,
            client: options.client ?? null,
            authority: options.authority ?? null,
            tunnelDone: tunnelled,
            progress: options.progress,
            ...(options.resolve !== undefined && { resolve: options.resolve }),
          });
    const [node, here, client, route] = await Promise.all([
      visit(ssh.client, { programId: target.programId, name: "diagnose", payload, progress: options.progress }),
      tunnelled,
      clientOf(options, frozen, (sent) => tryToken(ssh.client, target.end, sent)),
      outside,
    ]);
    return { node, here, client, route, clockAhead: isUnreachable(node) ? null : clockAhead(node.time, asked) };
  } finally {
    ssh.close();
  }
}

/** Whoever asks need not be the client that failed: one of this user's that knows no gateway is not looked at. */
async function clientOf(
  { client }: DiagnoseOptions,
  { symptomClass }: Frozen,
  tryIt: (token: string) => Promise<TokenAnswer>,
): Promise<ClientEvidence | null> {
  if (client !== undefined) return await clientEvidence(client, process.env, tryIt);
  if (symptomClass !== "gateway session") return null;
  const own = await clientEvidence(clientStateDirectory(process.env), process.env, tryIt);
  return own.state === "missing" ? null : own;
}

/** The collector reads its clock within the first seconds: only more than that counts. */
function clockAhead(time: string, asked: number): number | null {
  const difference = (Date.parse(time) - asked) / 1000;
  return Number.isNaN(difference) ? null : Math.round(difference);
}

/** The decision table's words with this gateway's names. */
function named(verdict: Verdict, { payload }: Target, asked: string | null): Verdict {
  // what is nobody's in particular shows with any agent
  const agent = verdict.agent ?? asked ?? payload.agents[0] ?? null;
  const names: Readonly<Record<string, string>> = {
    GATEWAY: payload.gateway,
    UNIT: payload.unit,
    USER: payload.user,
    PORT: String(payload.port),
    ...(agent !== null && { AGENT: agent }),
    ...(verdict.provider !== null && { PROVIDER: verdict.provider }),
  };
  const fill = (text: string | null): string | null =>
    text?.replace(/\b(GATEWAY|UNIT|USER|PORT|AGENT|PROVIDER)\b/g, (name) => names[name] ?? name) ?? null;
  return { ...verdict, firstCommand: fill(verdict.firstCommand), nextStep: fill(verdict.nextStep) };
}

/** SECRET: every value of the settings but the fleet, which holds references. */
function keysOf(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings)
    .filter(([key]) => key !== "gatehouse:fleet")
    .map(([, value]) => value);
}

/** RFC 3339 with the zone of this machine. */
function localTime(now: Date): string {
  const minutes = -now.getTimezoneOffset();
  const two = (value: number): string => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const zone = `${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  return new Date(now.getTime() + minutes * 60_000).toISOString().slice(0, 19) + zone;
}
