import { BlockList, isIP, isIPv6 } from "node:net";
import type { NetworkInterfaceInfo } from "node:os";
import type { UnreachableHost } from "./evidence.ts";

/** Of a kind of which a gateway logs thousands. */
const SHOWN = 10;

/** As Node words it: `connect EHOSTUNREACH 192.0.2.7:80 - Local (192.0.2.5:51234)`. */
const UNREACHABLE = /\bEHOSTUNREACH (\S+):(\d{1,5})\b/g;
/** As Node words it: `EPERM: operation not permitted, open '/path'`; `rename` has two paths. */
const REFUSED = /\bEPERM: operation not permitted, \w+ '([^'\n]{1,400})'(?: -> '([^'\n]{1,400})')?/g;

/** The networks that this machine's interfaces are in, loopback left out. */
export function ownNetworks(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): BlockList {
  const networks = new BlockList();
  for (const { cidr, family, internal } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    const [address, bits] = cidr?.split("/") ?? [];
    if (internal || address === undefined || bits === undefined) continue;
    networks.addSubnet(address, Number(bits), family === "IPv6" ? "ipv6" : "ipv4");
  }
  return networks;
}

/** Which hosts could not be reached, each once. */
export function unreachableHosts(lines: readonly string[], networks: BlockList): UnreachableHost[] {
  const counts = new Map<string, UnreachableHost>();
  for (const [, host = "", port = ""] of lines.flatMap((line) => [...line.matchAll(UNREACHABLE)])) {
    const ip = host.replace(/%\w+$/, "");
    if (isIP(ip) === 0) continue;
    const address = `${ip}:${port}`;
    const ownNetwork = networks.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
    counts.set(address, { address, ownNetwork, count: (counts.get(address)?.count ?? 0) + 1 });
  }
  return [...counts.values()].slice(0, SHOWN);
}

/** Which paths the system refused, each once. */
export function refusedPaths(lines: readonly string[]): string[] {
  const paths = lines.flatMap((line) => [...line.matchAll(REFUSED)].flatMap(([, from, to]) => [from, to]));
  return [...new Set(paths.filter((path) => path !== undefined))].slice(0, SHOWN);
}
