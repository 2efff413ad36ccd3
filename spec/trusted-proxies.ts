import { z } from "zod";
import type { FleetProblem } from "./fleet-rules.ts";
import type { GatewaySpec } from "./gateway.ts";

const SMALLEST_PREFIX = { 4: 8, 6: 32 } as const;

interface Block {
  readonly version: 4 | 6;
  readonly address: string;
  readonly prefix: number;
}

/** @returns undefined for anything but an address or a CIDR block. */
function blockOf(text: string): Block | undefined {
  const [address = "", given, ...more] = text.split("/");
  const version = z.ipv4().safeParse(address).success ? 4 : z.ipv6().safeParse(address).success ? 6 : undefined;
  if (version === undefined || more.length > 0 || (given !== undefined && !/^\d{1,3}$/.test(given))) return undefined;
  const longest = version === 4 ? 32 : 128;
  const prefix = given === undefined ? longest : Number(given);
  return prefix > longest ? undefined : { version, address, prefix };
}

/**
 * Where a reverse proxy that is one's own connects from: an address, or a CIDR block. OpenClaw believes what it says about its
 * clients (X-Forwarded-For, -Proto, -Host), so a network that strangers are in is refused.
 */
export const trustedProxySchema = z
  .string()
  .refine((text) => blockOf(text) !== undefined, {
    error: "expected an address or a CIDR block, for example 127.0.0.1 or 10.20.0.0/24",
    abort: true,
  })
  .refine(
    (text) => {
      const block = blockOf(text);
      return block !== undefined && block.prefix >= SMALLEST_PREFIX[block.version];
    },
    {
      error: `holds more than a network of your own: a prefix of ${SMALLEST_PREFIX[4]} (IPv6: ${SMALLEST_PREFIX[6]}) at least`,
    },
  );

/** Of a block as the schema lets it through: a prefix below 8 is none. */
function isOfThisHost({ version, address, prefix }: Block): boolean {
  return version === 4 ? address.startsWith("127.") : address === "::1" && prefix === 128;
}

/** A gateway that only its own host can reach never sees the address of another machine's proxy. */
export function trustedProxyProblems(
  { trustedProxies, https }: GatewaySpec,
  path: readonly (string | number)[],
): FleetProblem[] {
  if (https !== undefined && https.listen !== "loopback") return [];
  return trustedProxies.flatMap((text, index) => {
    const block = blockOf(text);
    if (block === undefined || isOfThisHost(block)) return [];
    const message =
      "this gateway listens on loopback only, and no proxy of another machine reaches it: let it listen beyond with `https`, or name the proxy of its own host";
    return [{ path: [...path, "trustedProxies", index], message }];
  });
}
