import { describe, expect, it } from "vitest";
import { routeAddress } from "../../operations/diagnose/route/address.ts";
import type { AnswerKind } from "../../operations/diagnose/route/evidence.ts";
import { proofOf, whyWithheld } from "../../operations/diagnose/route/look.ts";
import { verdictOf } from "../../operations/diagnose/verdict.ts";
import { healthy, type Healthy } from "./diagnose-fixture.ts";
import { DEVICE, healthyRoute, type Route } from "./diagnose-route-fixture.ts";

type Plant = (route: Route, evidence: Healthy) => void;

function planted(plant: Plant, route = healthyRoute()) {
  const evidence = healthy();
  plant(route, evidence);
  return verdictOf({ ...evidence, route });
}

const at = (url: string) => (route: Route) => {
  route.address = routeAddress(url, "--url");
  if (!route.address.tls) route.wire.tls = null;
  return Object.assign(route.arrival ?? {}, { host: route.address.hostHeader });
};
const refusing = (fleet: string, machine: string) => (route: Route) => Object.assign(route.wire.tls ?? {}, { fleet, machine }); // prettier-ignore
const answering = (path: "healthz" | "readyz" | "upgrade", kind: AnswerKind, status: number) => (route: Route) =>
  (route.wire[path] = { kind, status, server: null });
const noToken: Plant = (_route, evidence) =>
  (evidence.client = { stateDir: "/x", source: "nowhere", state: "missing", masked: null, shadowed: [], url: null, answer: null }); // prettier-ignore
const own = (route: Route, changes: Partial<NonNullable<Route["client"]>>) =>
  Object.assign(route.client ?? {}, changes);
const tailnet = (changes: object) => (route: Route) => {
  at("wss://box.tail1234.ts.net")(route);
  const self = { state: "Running", name: "box.tail1234.ts.net", addresses: ["100.64.0.1"], online: true, keyExpired: false, magicDns: true, certificates: true }; // prettier-ignore
  const routes = [{ from: "box.tail1234.ts.net:443", kind: "web" as const, to: "http://127.0.0.1:41000", foreground: true }]; // prettier-ignore
  const evidence = { binary: "answers" as const, self, routes };
  route.tailscale = structuredClone(evidence);
  if (route.way) {
    route.way.tailscale = { ...evidence, ...changes };
    route.way.exposure = { bind: "loopback", tailscaleMode: "serve", allowTailscale: false };
    route.way.addresses = ["127.0.0.1", "100.64.0.1"];
  }
  route.wire.addresses = ["100.64.0.1"];
};

it("a way that leads to the gateway is healthy: by HTTPS, through a tunnel, by a public certificate, by Tailscale", () => {
  const fine: readonly Plant[] = [
    () => undefined,
    (route) => {
      at("ws://127.0.0.1:18800")(route);
      Object.assign(route.wire, { addresses: ["127.0.0.1"], address: "127.0.0.1" });
      answering("readyz", "ready, as to its own host", 200)(route);
    },
    (route) => {
      Object.assign(route.wire.tls ?? {}, { fleet: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", machine: null });
    },
    tailnet({}),
    (route) => (route.client = null),
    (route) => own(route, { deviceId: null, deviceToken: "missing", deviceTokenMark: null }),
    noToken,
  ];
  for (const plant of fine) expect(planted(plant)).toMatchObject({ verdict: "healthy", missing: [], also: [] });
});

const FAULTS: readonly (readonly [string, string, Plant])[] = [
  ["a name that does not resolve", "dns-unknown", (r) => Object.assign(r.wire, { addresses: null, dnsFailure: "ENOTFOUND" })], // prettier-ignore
  ["nobody there", "refused", (r) => Object.assign(r.wire, { connectFailure: "ECONNREFUSED", address: null })],
  ["packets dropped", "no-answer", (r) => Object.assign(r.wire, { connectFailure: "timeout", address: null })],
  ["no route", "unreachable", (r) => Object.assign(r.wire, { connectFailure: "ENETUNREACH", address: null })],
  ["a name that leads elsewhere, to nobody", "dns-elsewhere", (r) => Object.assign(r.wire, { addresses: ["192.0.2.99"], connectFailure: "ECONNREFUSED", address: null })], // prettier-ignore
  ["a name that leads to another gateway", "dns-elsewhere", (r) => (Object.assign(r.wire, { addresses: ["192.0.2.99"] }), (r.proof = "elsewhere"))], // prettier-ignore
  ["a name that leads to another service", "dns-elsewhere", (r) => (Object.assign(r.wire, { addresses: ["192.0.2.99"] }), (r.proof = "unknown"), answering("healthz", "other", 200)(r))], // prettier-ignore
  ["another gateway at the right host", "another-gateway", (r) => (r.proof = "elsewhere")],
  ["plain HTTP to a public name", "plaintext-refused", at("ws://gw.example.net:8080")],
  ["plain HTTP to a private address", "plain-http", at("ws://10.0.0.7:8080")],
  ["a pin without HTTPS", "pin-with-ws", (r) => [at("ws://10.0.0.7:8080")(r), own(r, { pin: "AB" })]],
  ["a pin that is none", "pin-malformed", (r) => own(r, { pin: "malformed" })],
  ["a pin of an earlier certificate", "pin-mismatch", (r) => own(r, { pin: "CD" })],
  ["a client that is not remote", "client-not-remote", (r) => (own(r, { remoteMode: false }), (r.address = { ...r.address, source: r.client?.urlSource ?? "" }))], // prettier-ignore
  ["an expired certificate", "tls-expired", refusing("CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")],
  ["an expired public certificate", "tls-expired", refusing("UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_HAS_EXPIRED")],
  ["a certificate of the future", "tls-not-yet-valid", refusing("CERT_NOT_YET_VALID", "x")],
  ["a certificate for another name", "tls-wrong-name", refusing("ERR_TLS_CERT_ALTNAME_INVALID", "x")],
  ["an unknown authority", "tls-untrusted", refusing("NO_AUTHORITY", "SELF_SIGNED_CERT_IN_CHAIN")],
  ["a certificate for something else", "tls-refused", refusing("INVALID_PURPOSE", "x")],
  ["HTTPS to a plain port", "tls-on-plain-port", (r) => Object.assign(r.wire.tls ?? {}, { handshake: "ERR_SSL_WRONG_VERSION_NUMBER" })], // prettier-ignore
  ["a name that the server does not know", "tls-handshake", (r) => Object.assign(r.wire.tls ?? {}, { handshake: "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR" })], // prettier-ignore
  ["plain HTTP to a proxy's HTTPS", "plain-on-tls-port", (r) => (at("ws://10.0.0.7:443")(r), answering("healthz", "plain HTTP on an HTTPS port", 400)(r))], // prettier-ignore
  ["plain HTTP to the gateway's HTTPS", "plain-on-tls-port", (r) => (at("ws://127.0.0.1:443")(r), answering("healthz", "no answer", 0)(r), (r.wire.tlsInstead = true))], // prettier-ignore
  ["a login page", "sign-in-proxy", answering("healthz", "sign-in", 302)],
  ["another service", "wrong-service", answering("healthz", "other", 200)],
  ["a wrong path", "wrong-service", answering("healthz", "not found", 404)],
  ["a proxy that does not find the gateway", "proxy-cannot-reach", answering("healthz", "bad gateway", 502)],
  ["a proxy that the gateway does not know", "proxy-attribution", answering("readyz", "attribution required", 403)],
  ["the same, at the upgrade", "proxy-attribution", answering("upgrade", "attribution required", 403)],
  ["a lockout at the upgrade", "rate-limited", answering("upgrade", "rate limited", 429)],
  ["a lockout at the token", "rate-limited", (r) => (r.token = { kind: "rate limited", status: 429, server: null })],
  ["a lost Upgrade", "upgrade-dropped", answering("upgrade", "not found", 404)],
  ["a proxy that hides its clients", "proxy-hides-client", answering("readyz", "ready, as to its own host", 200)],
  ["a lost Authorization", "authorization-stripped", (r) => (r.token = { kind: "unauthorized", status: 401, server: null })], // prettier-ignore
  ["another Host", "host-rewritten", (r) => Object.assign(r.arrival ?? {}, { host: "127.0.0.1:24000" })],
  ["Tailscale stopped here", "tailscale-down", (r) => (tailnet({})(r), Object.assign(r.tailscale.self ?? {}, { state: "Stopped" }))], // prettier-ignore
  ["an expired key on the node", "tailscale-down", tailnet({ self: { state: "NeedsLogin", name: null, addresses: [], online: true, keyExpired: true, magicDns: true, certificates: true } })], // prettier-ignore
  ["no tailscaled on the node", "tailscale-down", tailnet({ binary: "no answer", self: null, routes: null })],
  ["a short name", "tailscale-other-name", (r) => (tailnet({})(r), (r.address = routeAddress("wss://other.tail1234.ts.net", "--url")), Object.assign(r.arrival ?? {}, { host: "other.tail1234.ts.net" }))], // prettier-ignore
  ["a lost claim", "serve-claim-lost", tailnet({ routes: [] })],
  ["Serve that lets anybody in", "serve-without-token", (r) => (tailnet({})(r), Object.assign(r.way?.exposure ?? {}, { allowTailscale: null }))], // prettier-ignore
  ["a tailnet without HTTPS", "tailnet-without-https", tailnet({ self: { state: "Running", name: "box.tail1234.ts.net", addresses: [], online: true, keyExpired: false, magicDns: true, certificates: false } })], // prettier-ignore
  ["Serve as a TCP forward", "proxy-hides-client", tailnet({ routes: [{ from: "443", kind: "tcp", to: "localhost:24000", foreground: true }] })], // prettier-ignore
  ["a bind to a tailnet that is not up", "tailnet-not-bound", (r) => (tailnet({})(r), Object.assign(r.way ?? {}, { addresses: ["127.0.0.1"] }), Object.assign(r.way?.exposure ?? {}, { bind: "tailnet", tailscaleMode: "off" }), (r.nodeAddresses = ["100.64.0.1"]))], // prettier-ignore
];

const SESSION_FAULTS: readonly (readonly [string, string, Plant])[] = [
  ["a device that is not paired", "not-paired", (r) => Object.assign(r.way?.devices ?? {}, { paired: [], pending: [{ id: DEVICE, request: "r-1" }] })], // prettier-ignore
  ["a stale device token", "device-token-stale", (r, e) => (noToken(r, e), own(r, { deviceTokenMark: "k2" }))],
  ["an empty device token", "device-token-empty", (r, e) => (noToken(r, e), own(r, { deviceToken: "blank", deviceTokenMark: null }))], // prettier-ignore
  ["a device token of another address", "device-token-of-another-address", (r, e) => (noToken(r, e), own(r, { deviceToken: "missing", deviceTokenMark: null, otherOrigins: ["wss://gw:443"] }))], // prettier-ignore
];

describe("each fault of the way has its verdict", () => {
  it.each(FAULTS)("%s [%s]", (_name, code, plant) => {
    const found = planted(plant);
    expect(found).toMatchObject({ verdict: "tunnel or proxy", code });
    expect(found.evidence.length).toBeGreaterThan(0);
    expect(found.firstCommand).not.toBeNull();
    expect(found.nextStep).not.toMatch(/rotate .*--/);
  });
  it.each(SESSION_FAULTS)("%s [%s]", (_name, code, plant) => {
    expect(planted(plant)).toMatchObject({ verdict: "gateway session", code });
  });

  it("a gateway that does not serve is no fault of the way", () => {
    const found = planted((route, { node }) => {
      answering("healthz", "bad gateway", 502)(route);
      node.gateway.session.healthz = "no answer";
    });
    expect(found).toMatchObject({ verdict: "gateway session", code: "not-serving" });
  });

  it("a wrong shared token comes before an unpaired device, and a way that leads elsewhere before both", () => {
    const wrong: Plant = (route, evidence) => {
      noToken(route, evidence);
      Object.assign(evidence.client ?? {}, { state: "set", answer: "refused" });
      Object.assign(route.way?.devices ?? {}, { paired: [] });
    };
    expect(planted(wrong).code).toBe("client-token-refused");
    expect(planted((r, e) => (wrong(r, e), (r.proof = "elsewhere"))).code).toBe("another-gateway");
  });
});

const MISSING: readonly (readonly [string, Plant])[] = [
  ["where it leads", (r) => (r.proof = "unknown")],
  ["the node's end", (r) => (r.way = null)],
  ["the paired devices", (r) => Object.assign(r.way ?? {}, { devices: null })],
  ["the exposure", (r) => Object.assign(r.way ?? {}, { exposure: null })],
  ["what answers", (r) => (r.wire.readyz = null)],
  ["readiness", answering("readyz", "other", 200)],
  ["the token's answer", (r) => (r.token = { kind: "no answer", status: 0, server: null })],
  ["a token that could not be sent", (r) => ((r.token = null), (r.tokenWithheld = "the stack has no token"))],
  ["the client's state", (r) => ((r.client = null), (r.clientUnreadable = true))],
  ["Tailscale here", (r) => (tailnet({})(r), (r.tailscale = { binary: "absent", self: null, routes: null }))],
  ["Tailscale there", tailnet({ binary: "absent", self: null, routes: null })],
];
it.each(MISSING)("a way without %s is undecided, never healthy", (_name, plant) => {
  const found = planted(plant);
  expect(found).toMatchObject({ verdict: "undecided" });
  expect(found.missing).not.toEqual([]);
});

describe("the gateway's token", () => {
  const wire = () => healthyRoute().wire;
  it("is sent where the address is proven to be the gateway's, and nowhere else", () => {
    expect(whyWithheld(wire(), "arrived")).toBeNull();
    expect(whyWithheld(wire(), "elsewhere")).toMatch(/not proven/);
    expect(whyWithheld(wire(), "unknown")).toMatch(/not proven/);
    expect(whyWithheld({ ...wire(), upgrade: null }, "arrived")).toMatch(/WebSocket/);
    expect(whyWithheld({ ...wire(), healthz: null }, "arrived")).toMatch(/no gateway/);
  });
  it("is sent by TLS with a certificate that holds, in clear to loopback alone", () => {
    const { tls } = wire();
    const refused = { ...wire(), tls: tls && { ...tls, fleet: "CERT_HAS_EXPIRED", machine: "CERT_HAS_EXPIRED" } };
    expect(whyWithheld(refused, "arrived")).toMatch(/certificate/);
    expect(whyWithheld({ ...wire(), tls: null }, "arrived")).toMatch(/plain HTTP/);
    expect(whyWithheld({ ...wire(), tls: null, address: "127.0.0.1" }, "arrived")).toBeNull();
  });
  it("proof is a mark in the gateway's log; its absence counts only beside the mark of the tunnel", () => {
    const marks = { tunnel: "t", route: "r" };
    const log = (...seen: string[]) => ({ arrivals: seen.map((mark) => ({ mark, remote: "x", forwardedFor: null, host: null })) }); // prettier-ignore
    expect(proofOf(log("t", "r"), marks)).toBe("arrived");
    expect(proofOf(log("t"), marks)).toBe("elsewhere");
    expect(proofOf(log(), marks)).toBe("unknown");
    expect(proofOf({ arrivals: null }, marks)).toBe("unknown");
    expect(proofOf(null, marks)).toBe("unknown");
  });
});

describe("an address", () => {
  it.each([
    ["https://gw.example.net", "wss://gw.example.net/", "name", "gw.example.net", true, false],
    ["ws://127.0.0.1:18790/", "ws://127.0.0.1:18790/", "loopback", "127.0.0.1:18790", true, false],
    ["http://[::1]:8080", "ws://[::1]:8080/", "loopback", "[::1]:8080", true, false],
    ["ws://192.168.1.9:80", "ws://192.168.1.9/", "private address", "192.168.1.9", false, false],
    ["ws://100.100.1.1:1", "ws://100.100.1.1:1/", "private address", "100.100.1.1:1", false, false],
    ["ws://203.0.113.9:1", "ws://203.0.113.9:1/", "address", "203.0.113.9:1", false, true],
    ["ws://box.tail1.ts.net", "ws://box.tail1.ts.net/", "name", "box.tail1.ts.net", false, false],
    ["ws://gw.example.net/oc/", "ws://gw.example.net/oc/", "name", "gw.example.net", false, true],
  ])("%s", (text, url, hostKind, hostHeader, secureContext, plaintextRefused) => {
    expect(routeAddress(text, "--url")).toMatchObject({ url, hostKind, hostHeader, secureContext, plaintextRefused });
  });
  it("loses what could be a secret", () => {
    expect(JSON.stringify(routeAddress("wss://u:canary@gw/x?token=canary#canary", "--url"))).not.toContain("canary");
  });
  it.each(["gw.example.net", "ftp://gw", "canary secret", ""])("%j is refused by its place, not repeated", (text) => {
    expect(() => routeAddress(text, "--url")).toThrow(/--url is no address/);
    expect(() => routeAddress(text, "--url")).not.toThrow(/canary/);
  });
});
