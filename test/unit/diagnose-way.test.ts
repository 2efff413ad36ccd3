import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { arrivalsOf } from "../../node/way/arrivals.ts";
import { comparable, pairedDevices } from "../../node/way/devices.ts";
import { serveRoutes, tailnetSelf } from "../../node/way/tailscale.ts";
import { clientEvidence } from "../../operations/diagnose/client.ts";
import { routeAddress } from "../../operations/diagnose/route/address.ts";
import { answerOf, tokenAnswer } from "../../operations/diagnose/route/answer.ts";
import { clientUrl, routeClient } from "../../operations/diagnose/route/client.ts";
import { lookAtWire, systemResolve } from "../../operations/diagnose/route/wire.ts";

const KEY = "0f".repeat(16);
const TOKEN = "canaryDeviceToken0123456789abcdefghijklmnopq";
const ID = "ab".repeat(32);

let directory = "";
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "gatehouse-way-"))));
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Tables as OpenClaw 2026.9.6 makes them, shortened to what is read. */
function database(...statements: readonly string[]): void {
  mkdirSync(join(directory, "state"), { recursive: true });
  const file = new DatabaseSync(join(directory, "state/openclaw.sqlite"));
  for (const statement of statements) file.exec(statement);
  file.close();
}

describe("the gateway's log tells what arrived", () => {
  const line = (ua: string, host = "gw:8443", fwd = "n/a") =>
    `2026-11-27T06:30:00 [ws] closed before connect conn=9b1d peer=127.0.0.1:5->127.0.0.1:24000 remote=127.0.0.1 fwd=${fwd} origin=n/a host=${host} ua=${ua} code=1006 reason=n/a phase=ws_upgrade_started`;
  it("a mark, with the peer, the forwarded address and the host", () => {
    expect(arrivalsOf([line("other"), line("m/1-route", "gw:8443", "10.0.0.9, 10.0.0.1")], ["m/1-route"])).toEqual([
      { mark: "m/1-route", remote: "127.0.0.1", forwardedFor: "10.0.0.9, 10.0.0.1", host: "gw:8443" },
    ]);
  });
  it("nothing of another line, and no more of a header than a name can have", () => {
    expect(arrivalsOf(["[ws] unauthorized conn=1 ua=m/1-route code=1", ""], ["m/1-route"])).toEqual([]);
    expect(arrivalsOf([line("m/1", "evil\u001b[31m", "$(x)")], ["m/1"])[0]).toMatchObject({ host: "evil?[31m", forwardedFor: "??x?" }); // prettier-ignore
  });
});

describe("the gateway's devices", () => {
  it("are ids and keyed fingerprints, never tokens; a revoked token is none", () => {
    const tokens = JSON.stringify({ operator: { token: TOKEN }, node: { token: "x", revokedAtMs: 1 } });
    database(
      "CREATE TABLE device_pairing_paired (device_id TEXT, tokens_json TEXT)",
      "CREATE TABLE device_pairing_pending (device_id TEXT, request_id TEXT)",
      `INSERT INTO device_pairing_paired VALUES ('${ID}', '${tokens}'), ('other', 'no json')`,
      "INSERT INTO device_pairing_pending VALUES ('third', 'r-1')",
    );
    const found = pairedDevices(directory, KEY);
    expect(found).toEqual({
      paired: [
        { id: ID, tokens: { operator: comparable(TOKEN, KEY) } },
        { id: "other", tokens: {} },
      ],
      pending: [{ id: "third", request: "r-1" }],
    });
    expect(JSON.stringify(found)).not.toContain("canary");
    expect(comparable(TOKEN, "1e".repeat(16))).not.toBe(comparable(TOKEN, KEY));
  });
  it("are none in a database without such tables, and unknown without a database", () => {
    database("CREATE TABLE other (x)");
    expect(pairedDevices(directory, KEY)).toEqual({ paired: [], pending: [] });
    expect(() => pairedDevices(join(directory, "none"), KEY)).toThrow();
  });
});

describe("a client's own state", () => {
  const route = routeAddress("wss://gw.example.net", "--url");
  const config = (gateway: object) => {
    writeFileSync(join(directory, "openclaw.json"), JSON.stringify({ gateway }));
  };
  const keeping = (scope: string, token: string) => {
    database(
      "CREATE TABLE device_identities (identity_key TEXT, device_id TEXT)",
      "CREATE TABLE gateway_origin_device_tokens (gateway_scope TEXT, device_id TEXT, role TEXT, token TEXT)",
      `INSERT INTO device_identities VALUES ('default', '${ID}')`,
      `INSERT INTO gateway_origin_device_tokens VALUES ('${scope}', '${ID}', 'operator', '${token}')`,
    );
  };
  it("the environment's address wins, unless it is empty", async () => {
    config({ mode: "remote", remote: { url: "wss://gw" } });
    expect(await clientUrl(directory, { OPENCLAW_GATEWAY_URL: "ws://127.0.0.1:1" })).toMatchObject({ source: "OPENCLAW_GATEWAY_URL" }); // prettier-ignore
    expect(await clientUrl(directory, { OPENCLAW_GATEWAY_URL: " " })).toMatchObject({ url: "wss://gw" });
    config({});
    expect(await clientUrl(directory, {})).toBeNull();
    expect(await clientUrl(join(directory, "none"), {})).toBeNull();
  });
  it("an address of the environment leaves the configuration's token out, an empty one does not", async () => {
    config({ mode: "remote", remote: { url: "wss://gw", token: TOKEN } });
    const accepted = () => Promise.resolve("accepted" as const);
    const overridden = await clientEvidence(directory, { OPENCLAW_GATEWAY_URL: "ws://127.0.0.1:1" }, accepted);
    expect(overridden).toMatchObject({ state: "missing", url: "ws://127.0.0.1:1", answer: null });
    expect(await clientEvidence(directory, { OPENCLAW_GATEWAY_URL: "" }, accepted)).toMatchObject({ state: "set", url: "wss://gw" }); // prettier-ignore
  });
  it("a token of this address, by its keyed fingerprint", async () => {
    config({ mode: "remote", remote: { tlsFingerprint: `sha256:${"AB".repeat(32)}` } });
    keeping("wss://gw.example.net", TOKEN);
    const found = await routeClient(directory, {}, route, KEY);
    expect(found).toMatchObject({ deviceId: ID, deviceToken: "set", deviceTokenMark: comparable(TOKEN, KEY), remoteMode: true }); // prettier-ignore
    expect(found.pin).toBe(Array(32).fill("AB").join(":"));
    expect(JSON.stringify(found)).not.toContain("canary");
  });
  it("an empty one, one of another address, none, and a database that is none", async () => {
    config({ remote: { tlsFingerprint: "canary" } });
    const absent = await routeClient(directory, {}, route, KEY);
    expect(absent).toMatchObject({ deviceId: null, deviceToken: "missing", remoteMode: false, pin: "malformed" });
    keeping("wss://gw.example.net", " ");
    expect(await routeClient(directory, {}, route, KEY)).toMatchObject({ deviceToken: "blank", deviceTokenMark: null });
    rmSync(join(directory, "state"), { recursive: true });
    keeping("wss://10.0.0.1:8443", TOKEN);
    expect(await routeClient(directory, {}, route, KEY)).toMatchObject({ deviceToken: "missing", otherOrigins: ["wss://10.0.0.1:8443"] }); // prettier-ignore
    writeFileSync(join(directory, "state/openclaw.sqlite"), "no database");
    await expect(routeClient(directory, {}, route, KEY)).rejects.toThrow();
  });
});

/** Shapes as facts: remote-access.md 5 has them, seen on a real tailnet. */
describe("Tailscale's own words", () => {
  const status = {
    BackendState: "Running",
    Self: { DNSName: "box.tail1234.ts.net.", TailscaleIPs: ["100.64.0.1"], Online: true },
    CurrentTailnet: { MagicDNSEnabled: true },
    CertDomains: ["box.tail1234.ts.net"],
  };
  it("status: the full name without its dot, the state, the certificates", () => {
    expect(tailnetSelf(status)).toEqual({ state: "Running", name: "box.tail1234.ts.net", addresses: ["100.64.0.1"], online: true, keyExpired: false, magicDns: true, certificates: true }); // prettier-ignore
    const expired = { ...status, BackendState: "NeedsLogin", CertDomains: null, Self: { DNSName: "", Expired: true } };
    expect(tailnetSelf(expired)).toMatchObject({ state: "NeedsLogin", name: null, keyExpired: true, certificates: false, online: null }); // prettier-ignore
    expect(tailnetSelf({ BackendState: "NoState" })).toMatchObject({ keyExpired: null, certificates: null });
    for (const other of [undefined, null, [], "x", {}]) expect(tailnetSelf(other)).toBeNull();
  });
  it("serve: the foreground claims, too, which the text leaves out", () => {
    const web = { Web: { "box.tail1234.ts.net:443": { Handlers: { "/": { Proxy: "http://127.0.0.1:41000" } } } } };
    const from = "box.tail1234.ts.net:443";
    const managed = { TCP: { "443": { HTTPS: true } }, ...web };
    expect(serveRoutes({ Foreground: { s1: managed } })).toEqual([{ from, kind: "web", to: "http://127.0.0.1:41000", foreground: true }]); // prettier-ignore
    expect(serveRoutes({ ...web, TCP: { "18789": { TCPForward: "localhost:24000" } } })).toEqual([
      { from, kind: "web", to: "http://127.0.0.1:41000", foreground: false },
      { from: "18789", kind: "tcp", to: "localhost:24000", foreground: false },
    ]);
    expect(serveRoutes({})).toEqual([]);
    for (const other of [undefined, null, [], "x"]) expect(serveRoutes(other)).toBeNull();
  });
});

describe("an answer is told by status and body", () => {
  const http = (status: number, body: string, headers = "Server: nginx/1.22.1\r\n") =>
    `HTTP/1.1 ${status} X\r\n${headers}\r\n${body}`;
  it.each([
    [http(200, '{"ok":true,"status":"live"}'), "live"],
    [http(200, '{"ready":true}'), "ready"],
    [http(200, '{"ready":true,"failing":[],"uptimeMs":1}'), "ready, as to its own host"],
    [http(503, '{"ready":false,"failing":["x"]}'), "not ready"],
    [http(403, '{"error":{"type":"proxy_attribution_required"}}'), "attribution required"],
    [http(429, "{}"), "rate limited"],
    [http(401, '{"error":{"message":"Unauthorized","type":"unauthorized"}}'), "unauthorized"],
    [http(401, "please sign in"), "sign-in"],
    [http(403, "no"), "sign-in"],
    [http(302, ""), "sign-in"],
    [http(400, "The plain HTTP request was sent to HTTPS port"), "plain HTTP on an HTTPS port"],
    [http(502, ""), "bad gateway"],
    [http(404, ""), "not found"],
    [http(200, "<html>"), "other"],
    [http(101, '\u0081~{"event":"connect.challenge"}'), "challenge"],
    [http(101, ""), "other"],
    ["", "no answer"],
    ["SSH-2.0", "no answer"],
  ])("%j: %s", (text, kind) => {
    expect(answerOf(text).kind).toBe(kind);
  });
  it("a token is accepted when only the empty body is refused", () => {
    expect(tokenAnswer(http(400, "{}")).kind).toBe("token accepted");
    expect(tokenAnswer(http(401, '{"error":{"type":"unauthorized"}}')).kind).toBe("unauthorized");
    expect(tokenAnswer("").kind).toBe("no answer");
    expect(answerOf(http(200, "", "Server: canary\u0007 evil\r\n")).server).toBe("canary");
  });
});

describe("the wire", () => {
  let server: Server;
  let seen: (string | undefined)[] = [];
  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end(request.url === "/healthz" ? '{"ok":true,"status":"live"}' : "{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => server.close());
  const options = { resolve: systemResolve, fleetAuthority: null, namedAuthority: null, mark: "m" };
  const address = (scheme: string, host = "127.0.0.1") =>
    routeAddress(`${scheme}://${host}:${(server.address() as AddressInfo).port}`, "--url");

  it("is asked without a secret", async () => {
    expect(await lookAtWire(address("ws"), options)).toMatchObject({ address: "127.0.0.1", healthz: { kind: "live" } });
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
  it("tells HTTPS on a plain port, a dead port, and a name that fails, each with its code", async () => {
    const tls = await lookAtWire(address("wss"), options);
    expect(tls.tls?.handshake).toMatch(/WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH/);
    expect(tls.healthz).toBeNull();
    const resolve = (addresses: readonly string[]) => () => Promise.resolve(addresses);
    const dead = await lookAtWire(routeAddress("ws://gw.local:9", "--url"), { ...options, resolve: resolve(["127.0.0.1"]) }); // prettier-ignore
    expect(dead).toMatchObject({ addresses: ["127.0.0.1"], address: null, connectFailure: "ECONNREFUSED" });
    const failing = () => Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" }));
    expect(await lookAtWire(address("ws", "gw.local"), { ...options, resolve: failing })).toMatchObject({ addresses: null, dnsFailure: "ENOTFOUND" }); // prettier-ignore
    // the second address of a name serves
    const second = await lookAtWire(address("ws", "gw.local"), { ...options, resolve: resolve(["127.0.0.77", "127.0.0.1"]) }); // prettier-ignore
    expect(second).toMatchObject({ address: "127.0.0.1", healthz: { kind: "live" } });
  });
});
