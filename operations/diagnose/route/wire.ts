import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { exchange, isDecided, requestText, upgradeHeaders } from "../exchange.ts";
import { answerOf, tokenAnswer } from "./answer.ts";
import { dialTcp, dialTls, machineAuthorities, tlsEvidence } from "./dial.ts";
import type { AnswerEvidence, RouteAddress, WireEvidence } from "./evidence.ts";
import { TOKEN_PATH } from "../../../node/diagnose/session.ts";

const LOOKUP_MS = 5000;
/** A name with more addresses than these is a content network. */
const TRIED_ADDRESSES = 3;

/** All addresses of a name, in the system's order. @throws the system's error, with its code. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

export interface WireOptions {
  readonly resolve: Resolve;
  /** PEM of the fleet's authority; null where it has none. */
  readonly fleetAuthority: string | null;
  /** PEM of an authority that the failing client trusts; null: none is named. */
  readonly namedAuthority: string | null;
  /** User-Agent of the upgrade. */
  readonly mark: string;
}

async function resolved(host: string, resolve: Resolve): Promise<readonly string[] | { readonly failure: string }> {
  if (isIP(host) !== 0) return [host];
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(Object.assign(new Error("no answer"), { code: "timeout" }));
      }, LOOKUP_MS);
    });
    return await Promise.race([resolve(host), late]);
  } catch (error) {
    return { failure: (error as NodeJS.ErrnoException).code ?? "unknown error" };
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that is ready for HTTP; undefined when there is none. Over TLS whatever the certificate: no secret goes that way. */
async function connected(route: RouteAddress, address: string): Promise<Duplex | undefined> {
  if (!route.tls) {
    const tcp = await dialTcp(address, route.port);
    return "failure" in tcp ? undefined : tcp;
  }
  const secured = await dialTls(route, address, []);
  return "failure" in secured ? undefined : secured.socket;
}

async function ask(
  route: RouteAddress,
  address: string,
  request: string,
  enough: (text: string) => boolean = () => false,
): Promise<AnswerEvidence> {
  const stream = await connected(route, address);
  return answerOf(stream === undefined ? "" : await exchange(stream, request, enough));
}

/** What a client sees of an address: DNS, TCP, TLS, HTTP, WebSocket. Sends no secret, and no `connect` frame. */
export async function lookAtWire(route: RouteAddress, options: WireOptions): Promise<WireEvidence> {
  const nothing: WireEvidence = {
    addresses: null,
    dnsFailure: null,
    address: null,
    connectFailure: null,
    tls: null,
    tlsInstead: false,
    healthz: null,
    readyz: null,
    upgrade: null,
  };
  const addresses = await resolved(route.host, options.resolve);
  if ("failure" in addresses) return { ...nothing, dnsFailure: addresses.failure };
  let connectFailure: string | null = "no address";
  let address: string | null = null;
  for (const candidate of addresses.slice(0, TRIED_ADDRESSES)) {
    const tcp = await dialTcp(candidate, route.port);
    if ("failure" in tcp) {
      connectFailure = tcp.failure;
      continue;
    }
    tcp.destroy();
    address = candidate;
    connectFailure = null;
    break;
  }
  if (address === null) return { ...nothing, addresses, connectFailure };
  const machine = machineAuthorities(options.namedAuthority);
  const tls = route.tls ? await tlsEvidence(route, address, { fleet: options.fleetAuthority, machine }) : null;
  const reached = { ...nothing, addresses, address, connectFailure, tls };
  if (tls !== null && tls.handshake !== null) return reached;
  const { hostHeader, prefix } = route;
  const get = (path: string) => requestText("GET", `${prefix}${path}`, hostHeader, ["Connection: close"]);
  const healthz = await ask(route, address, get("/healthz"));
  if (healthz.kind === "no answer" && !route.tls) {
    const secured = await dialTls(route, address, []);
    if ("socket" in secured) secured.socket.destroy();
    return { ...reached, healthz, tlsInstead: "socket" in secured };
  }
  const upgrade = requestText("GET", `${prefix}/`, hostHeader, upgradeHeaders(options.mark));
  const [readyz, upgraded] = await Promise.all([
    ask(route, address, get("/readyz")),
    ask(route, address, upgrade, isDecided),
  ]);
  return { ...reached, healthz, readyz, upgrade: upgraded };
}

/**
 * Sends the gateway's token as `Authorization` to the address, once; over TLS only to a certificate that holds.
 * @param token SECRET.
 */
export async function tryTokenOnWire(
  route: RouteAddress,
  address: string,
  token: string,
  options: WireOptions,
): Promise<AnswerEvidence> {
  const headers = [`Authorization: Bearer ${token}`, "Content-Type: application/json", "Connection: close"];
  const request = requestText("POST", `${route.prefix}${TOKEN_PATH}`, route.hostHeader, headers, "{}");
  if (!route.tls) {
    const tcp = await dialTcp(address, route.port);
    return tokenAnswer("failure" in tcp ? "" : await exchange(tcp, request, () => false));
  }
  const authorities = [
    ...machineAuthorities(options.namedAuthority),
    ...(options.fleetAuthority === null ? [] : [options.fleetAuthority]),
  ];
  const secured = await dialTls(route, address, authorities);
  if ("failure" in secured) return tokenAnswer("");
  if (secured.refusal !== null) {
    secured.socket.destroy();
    return tokenAnswer("");
  }
  return tokenAnswer(await exchange(secured.socket, request, () => false));
}
