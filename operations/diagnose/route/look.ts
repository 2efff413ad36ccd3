import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { Client } from "ssh2";
import { tailscaleEvidence } from "../../../node/way/tailscale.ts";
import type { WayEvidence } from "../../../node/way/evidence.ts";
import { isUnreachable, visit } from "../../visit/connect.ts";
import type { Target } from "../target.ts";
import { isLoopback } from "./address.ts";
import { routeClient } from "./client.ts";
import type { AnswerEvidence, Proof, RouteAddress, RouteEvidence, WireEvidence } from "./evidence.ts";
import { lookAtWire, systemResolve, tryTokenOnWire } from "./wire.ts";
import type { Resolve, WireOptions } from "./wire.ts";

/** Names of the upgrades of one diagnosis, which the gateway writes into its log. */
export interface Marks {
  readonly tunnel: string;
  readonly route: string;
}

export function newMarks(): Marks {
  const id = randomBytes(8).toString("hex");
  return { tunnel: `gatehouse-diagnose/${id}-tunnel`, route: `gatehouse-diagnose/${id}-route` };
}

export interface RouteQuestion {
  readonly address: RouteAddress;
  /** State directory of the failing client; null: none is known. */
  readonly client: string | null;
  /** PEM of an authority that the client trusts; null: none is named. */
  readonly authority: string | null;
  /** SECRET. Null where the stack has none. */
  readonly token: string | null;
  readonly marks: Marks;
  /** Settles when the marked upgrade through the SSH tunnel is over. */
  readonly tunnelDone: Promise<unknown>;
  readonly progress: (line: string) => void;
  /** Default: the system's. */
  readonly resolve?: Resolve;
}

/** Whether what was sent to the address came out at this gateway. Pure. */
export function proofOf(way: Pick<WayEvidence, "arrivals"> | null, marks: Marks): Proof {
  const arrivals = way?.arrivals ?? [];
  if (arrivals.some(({ mark }) => mark === marks.route)) return "arrived";
  // what came through the tunnel is there: the log shows such lines, and this one is not among them
  return arrivals.some(({ mark }) => mark === marks.tunnel) ? "elsewhere" : "unknown";
}

/** Why the gateway's token is not sent to an address; null: it may be. Pure. */
export function whyWithheld(wire: WireEvidence, proof: Proof): string | null {
  if (wire.address === null || wire.healthz?.kind !== "live") return "no gateway answers there";
  if (wire.upgrade?.kind !== "challenge") return "no WebSocket came through, which would show where the address leads";
  if (proof !== "arrived") return "the address is not proven to lead to this gateway";
  if (wire.tls !== null && wire.tls.machine !== null && wire.tls.fleet !== null) return "the certificate does not hold";
  return wire.tls !== null || isLoopback(wire.address) ? null : "plain HTTP would show it to the network";
}

async function nodeAddressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/**
 * Looks at the outside way to a gateway, from here and from the node. Sends the gateway's token at most once, and only
 * where the address is proven to lead to it; sends no `connect` frame, so that no pairing request and no session is made.
 */
export async function lookAtRoute(
  client: Client,
  { payload, connection, programId, fleetAuthority }: Target,
  question: RouteQuestion,
): Promise<RouteEvidence> {
  const { address, marks, progress, token } = question;
  const comparisonKey = randomBytes(16).toString("hex");
  const options: WireOptions = {
    resolve: question.resolve ?? systemResolve,
    fleetAuthority,
    namedAuthority: question.authority,
    mark: marks.route,
  };
  progress(`the way of ${address.url}`);
  const [wire, ownSide, nodeAddresses, tailscale] = await Promise.all([
    lookAtWire(address, options),
    question.client === null
      ? null
      : routeClient(question.client, process.env, address, comparisonKey).catch(() => null),
    nodeAddressesOf(connection.host),
    tailscaleEvidence(),
    question.tunnelDone,
  ]);
  const { gateway, user, home, unit } = payload;
  // a mark that never left is not waited for
  const sent = wire.upgrade?.kind === "challenge" ? [marks.tunnel, marks.route] : [marks.tunnel];
  const answered = await visit(client, {
    ...{ programId, name: "way" as const, progress: question.progress },
    payload: { gateway, user, home, unit, marks: sent, comparisonKey },
  });
  const way = isUnreachable(answered) ? null : answered;
  const proof = wire.upgrade?.kind === "challenge" ? proofOf(way, marks) : "unknown";
  const arrival = way?.arrivals?.find(({ mark }) => mark === marks.route) ?? null;
  const withheld = token === null ? "the stack has no token of this gateway" : whyWithheld(wire, proof);
  let answer: AnswerEvidence | null = null;
  if (withheld === null && token !== null && wire.address !== null) {
    answer = await tryTokenOnWire(address, wire.address, token, options);
  }
  return {
    address,
    gatewayPort: payload.port,
    wire,
    proof,
    arrival,
    token: answer,
    tokenWithheld: withheld,
    way,
    nodeAddresses,
    client: ownSide,
    clientUnreadable: question.client !== null && ownSide === null,
    tailscale,
  };
}
