import type { RouteEvidence } from "../../operations/diagnose/route/evidence.ts";
import { routeAddress } from "../../operations/diagnose/route/address.ts";

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
export type Route = Mutable<RouteEvidence>;

export const DEVICE = "a1".repeat(32);
/** Of a host with a certificate of the fleet's authority; as the way to a real gateway looked. */
export const FINGERPRINT = "AB:".repeat(31) + "AB";

/** An address that leads to the gateway, and a paired client there. */
export function healthyRoute(url = "wss://gw.example.net:8443"): Route {
  const answer = <K extends string>(kind: K, status = 200) => ({ kind, status, server: "nginx/1.22.1" });
  return {
    address: routeAddress(url, "--url"),
    gatewayPort: 24000,
    wire: {
      addresses: ["192.0.2.10"],
      dnsFailure: null,
      address: "192.0.2.10",
      connectFailure: null,
      tls: {
        handshake: null,
        fleet: null,
        machine: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        names: ["DNS:gw.example.net"],
        issuer: "CN=Gatehouse private CA",
        notBefore: "2026-11-01T00:00:00.000Z",
        notAfter: "2027-01-30T00:00:00.000Z",
        fingerprint: FINGERPRINT,
      },
      tlsInstead: false,
      healthz: answer("live"),
      readyz: answer("ready"),
      upgrade: answer("challenge", 101),
    },
    proof: "arrived",
    arrival: { remote: "192.0.2.10", forwardedFor: null, host: "gw.example.net:8443" },
    token: answer("token accepted", 400),
    tokenWithheld: null,
    way: {
      addresses: ["127.0.0.1", "192.0.2.10"],
      arrivals: [],
      devices: { paired: [{ id: DEVICE, tokens: { operator: "k1" } }], pending: [] },
      exposure: { bind: "loopback", tailscaleMode: "off", allowTailscale: false },
      tailscale: { binary: "absent", self: null, routes: null },
    },
    nodeAddresses: ["192.0.2.10"],
    client: {
      stateDir: "/home/me/.openclaw",
      urlSource: "gateway.remote.url of /home/me/.openclaw",
      pin: null,
      remoteMode: true,
      deviceId: DEVICE,
      deviceToken: "set",
      deviceTokenMark: "k1",
      otherOrigins: [],
    },
    clientUnreadable: false,
    tailscale: { binary: "absent", self: null, routes: null },
  };
}
