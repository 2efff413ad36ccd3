import type { TailscaleEvidence } from "../../../node/way/tailscale.ts";
import type { WayEvidence } from "../../../node/way/evidence.ts";

/** The outside address that a client uses; no user name, no query. */
export interface RouteAddress {
  /** Scheme, host, port and path, as a WebSocket client dials it: `wss://gw.example.net/`. */
  readonly url: string;
  /** Who named it: `--url`, `OPENCLAW_GATEWAY_URL`, `gateway.remote.url of DIR/openclaw.json`. */
  readonly source: string;
  readonly tls: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly hostKind: "loopback" | "private address" | "address" | "name";
  readonly port: number;
  /** Host header of a browser or client: without a default port. */
  readonly hostHeader: string;
  /** Path before `/healthz`; empty at the root. */
  readonly prefix: string;
  /** OpenClaw's own client refuses plain HTTP to such a host before it asks DNS (facts: remote-access.md 1). */
  readonly plaintextRefused: boolean;
  /** A page from there may use what browsers keep for HTTPS and localhost. */
  readonly secureContext: boolean;
}

export interface TlsEvidence {
  /** Node's code of why no TLS session came about; null when one did. */
  readonly handshake: string | null;
  /** Why a client that has only the fleet's authority refuses the certificate; null: it does not. `NO_AUTHORITY` where there is none. */
  readonly fleet: string | null;
  /** The same with the authorities of this machine (system, Node's own, `NODE_EXTRA_CA_CERTS`, `--ca`). */
  readonly machine: string | null;
  readonly names: readonly string[];
  readonly issuer: string;
  /** RFC 3339. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** SHA-256 of the certificate, upper-case hex with colons. */
  readonly fingerprint: string | null;
}

/** What an answer is, told by its status and body; the body itself is not kept. */
export type AnswerKind =
  | "live"
  | "ready"
  | "not ready"
  /** `/readyz` with the details that a gateway shows to its own host alone. */
  | "ready, as to its own host"
  | "challenge"
  | "attribution required"
  | "rate limited"
  | "unauthorized"
  | "token accepted"
  /** A web server says that this port is for HTTPS. */
  | "plain HTTP on an HTTPS port"
  | "bad gateway"
  | "sign-in"
  | "not found"
  | "no answer"
  | "other";

export interface AnswerEvidence {
  readonly kind: AnswerKind;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** `Server` header; null without one. */
  readonly server: string | null;
}

/** What one client sees of an address, from DNS to the gateway's first frame. No secret was sent. */
export interface WireEvidence {
  /** Null when the name does not resolve. */
  readonly addresses: readonly string[] | null;
  /** The system's code: `ENOTFOUND`. */
  readonly dnsFailure: string | null;
  /** The address that took the connection; null when none did. */
  readonly address: string | null;
  /** Code of the last address that did not: `ECONNREFUSED`, `timeout`. */
  readonly connectFailure: string | null;
  /** Null: plain HTTP, or no connection. */
  readonly tls: TlsEvidence | null;
  /** On a plain address without an HTTP answer: whether TLS answers there. */
  readonly tlsInstead: boolean;
  /** The following are null when it never came that far. */
  readonly healthz: AnswerEvidence | null;
  readonly readyz: AnswerEvidence | null;
  readonly upgrade: AnswerEvidence | null;
}

/** A remote OpenClaw client's own side; no value. */
export interface RouteClient {
  readonly stateDir: string;
  readonly urlSource: string | null;
  /** `gateway.remote.tlsFingerprint`, as upper-case hex with colons; null without one, `malformed` for another text. */
  readonly pin: string | null;
  /** Whether `gateway.mode` is `remote`: otherwise the client dials its own machine. */
  readonly remoteMode: boolean;
  /** Null: it never made a device identity. */
  readonly deviceId: string | null;
  /** Token that it keeps for this very address. */
  readonly deviceToken: "set" | "blank" | "missing";
  /** Keyed fingerprint of it, for this run alone. */
  readonly deviceTokenMark: string | null;
  /** Other addresses that it keeps a token for: another name of the same gateway finds none. */
  readonly otherOrigins: readonly string[];
}

/** Whether what was sent to the address came out at this gateway. */
export type Proof =
  /** The gateway's own log has the mark of our upgrade. */
  | "arrived"
  /** The log has the mark that went through the SSH tunnel, and not that of this address. */
  | "elsewhere"
  /** Neither: the log does not show such lines, or no upgrade came that far. */
  | "unknown";

export interface RouteEvidence {
  readonly address: RouteAddress;
  /** The gateway's own, on the node's loopback. */
  readonly gatewayPort: number;
  readonly wire: WireEvidence;
  readonly proof: Proof;
  /** What the gateway saw of the client; null unless it arrived. */
  readonly arrival: {
    readonly remote: string;
    readonly forwardedFor: string | null;
    readonly host: string | null;
  } | null;
  /** Answer to the gateway's token as `Authorization` through the address; null when it was not sent. */
  readonly token: AnswerEvidence | null;
  /** Why it was not sent. */
  readonly tokenWithheld: string | null;
  /** The node's end; null when it gave nothing. */
  readonly way: WayEvidence | null;
  /** Addresses of the node as SSH reaches it. */
  readonly nodeAddresses: readonly string[];
  /** Null: no client was looked at, or its state can't be read. */
  readonly client: RouteClient | null;
  /** There is a client, and its state can't be read. */
  readonly clientUnreadable: boolean;
  /** Of this machine. */
  readonly tailscale: TailscaleEvidence;
}
