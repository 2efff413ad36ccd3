import { BlockList, isIP } from "node:net";
import { OperationError } from "../../error.ts";
import type { RouteAddress } from "./evidence.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** RFC 1918, link-local, CGNAT (tailnets) and IPv6's unique local addresses. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const) {
  PRIVATE.addSubnet(network, bits);
}
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addSubnet("fe80::", 10, "ipv6");

const familyOf = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && LOOPBACK.check(address, familyOf(address));
}

function kindOf(host: string): RouteAddress["hostKind"] {
  if (host === "localhost" || host.endsWith(".localhost") || isLoopback(host)) return "loopback";
  if (isIP(host) === 0) return "name";
  return PRIVATE.check(host, familyOf(host)) ? "private address" : "address";
}

const SCHEMES: Readonly<Record<string, { readonly scheme: string; readonly port: number } | undefined>> = {
  "ws:": { scheme: "ws", port: 80 },
  "http:": { scheme: "ws", port: 80 },
  "wss:": { scheme: "wss", port: 443 },
  "https:": { scheme: "wss", port: 443 },
};

/**
 * Parses the address that a client uses. User name, password, query and fragment are left out: they could hold a token.
 * @throws {OperationError} `input` for what is no `ws`, `wss`, `http` or `https` URL; the text is not repeated.
 */
export function routeAddress(text: string, source: string): RouteAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const known = url === undefined ? undefined : SCHEMES[url.protocol];
  if (url === undefined || known === undefined || url.hostname === "") {
    throw OperationError.of(
      "input",
      `${source} is no address of a gateway`,
      "give a ws://, wss://, http:// or https:// URL",
    );
  }
  const tls = known.scheme === "wss";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? known.port : Number(url.port);
  const hostHeader = port === known.port ? url.hostname : `${url.hostname}:${port}`;
  const hostKind = kindOf(host);
  const prefix = url.pathname.replace(/\/+$/, "");
  const privateName = /\.(local|ts\.net)\.?$/.test(host);
  return {
    url: `${known.scheme}://${hostHeader}${prefix}/`,
    source,
    tls,
    host,
    hostKind,
    port,
    hostHeader,
    prefix,
    plaintextRefused: !tls && (hostKind === "address" || (hostKind === "name" && !privateName)),
    secureContext: tls || hostKind === "loopback",
  };
}
