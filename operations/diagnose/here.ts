import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Client } from "ssh2";
import { TOKEN_PATH, tokenAnswerOf } from "../../node/diagnose/session.ts";
import type { TokenAnswer } from "../../node/diagnose/evidence.ts";
import type { HereEvidence, Probe } from "./evidence.ts";
import { ANSWER_MS, CHALLENGE, exchange, isDecided, requestText, statusOf, upgradeHeaders } from "./exchange.ts";

/** A gateway as a client reaches it through the tunnel. */
export interface TunnelEnd {
  readonly port: number;
  /** PEM of the fleet's authority when the gateway speaks HTTPS; null when it speaks plain HTTP. */
  readonly authority: string | null;
}

/** A TCP connection to a port of the node's loopback, as `ssh -L` would make it; undefined when sshd refuses. */
function forward(client: Client, port: number): Promise<Duplex | undefined> {
  return new Promise((resolve) => {
    client.forwardOut("127.0.0.1", 0, "127.0.0.1", port, (error, stream) => {
      resolve(error === undefined ? stream : undefined);
    });
  });
}

/** TLS inside the forwarded connection, checked like a browser would that has the authority; the refusal's code otherwise. */
function secure(stream: Duplex, authority: string): Promise<Duplex | { readonly refusal: string }> {
  return new Promise((resolve) => {
    const socket = connectTls({ socket: stream, ca: authority, host: "127.0.0.1", timeout: ANSWER_MS });
    const refused = (code: string) => (): void => {
      socket.destroy();
      resolve({ refusal: code });
    };
    socket.once("secureConnect", () => {
      socket.setTimeout(0);
      resolve(socket);
    });
    socket.once("timeout", refused("no TLS answer"));
    socket.once("close", refused("connection closed"));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      refused(error.code ?? "TLS error")();
    });
  });
}

function probeOf(answer: string, proof: RegExp): Probe {
  if (answer === "") return "no answer";
  return proof.test(answer) ? "ok" : "another answer";
}

/** Undefined when sshd refuses to forward; an empty text when nobody answers, or not with a certificate that holds. */
async function ask(
  client: Client,
  { port, authority }: TunnelEnd,
  text: string,
  enough: (answer: string) => boolean = () => false,
): Promise<string | undefined> {
  const stream = await forward(client, port);
  if (stream === undefined) return undefined;
  if (authority === null) return await exchange(stream, text, enough);
  const secured = await secure(stream, authority);
  return "refusal" in secured ? "" : await exchange(secured, text, enough);
}

/** Why a client that trusts the authority takes no session: the code of Node's TLS; null when it does, or speaks HTTP. */
async function certificateRefusal(client: Client, { port, authority }: TunnelEnd): Promise<string | null> {
  const stream = authority === null ? undefined : await forward(client, port);
  if (stream === undefined || authority === null) return null;
  const secured = await secure(stream, authority);
  if ("refusal" in secured) return secured.refusal;
  secured.destroy();
  return null;
}

const hostOf = ({ port }: TunnelEnd): string => `127.0.0.1:${port}`;

/**
 * The gateway through the SSH connection: reachable, ready, and a WebSocket that gets its first frame. Sends no token.
 * @param mark Name of the upgrade in the gateway's log.
 */
export async function lookThroughTunnel(client: Client, end: TunnelEnd, mark: string): Promise<HereEvidence> {
  const host = hostOf(end);
  const get = (path: string) => ask(client, end, requestText("GET", path, host, ["Connection: close"]));
  const healthz = await get("/healthz");
  if (healthz === undefined) {
    return {
      tunnel: "refused",
      healthz: "no answer",
      readyz: "no answer",
      upgrade: "no answer",
      certificateRefusal: null,
    };
  }
  const readyz = (await get("/readyz")) ?? "";
  const upgrade = requestText("GET", "/", host, upgradeHeaders(mark));
  const socket = (await ask(client, end, upgrade, isDecided)) ?? "";
  return {
    tunnel: "open",
    healthz: probeOf(healthz, /"status":\s*"live"/),
    readyz: probeOf(readyz, /"ready":\s*true/),
    certificateRefusal: await certificateRefusal(client, end),
    upgrade: probeOf(socket, new RegExp(`^HTTP/1\\.1 101[\\s\\S]*${CHALLENGE}`)),
  };
}

/** What the gateway answers to a token through the tunnel. */
export async function tryToken(client: Client, end: TunnelEnd, token: string): Promise<TokenAnswer> {
  // what no header can hold is no token of this gateway
  if (!/^[\x21-\x7e]+$/.test(token)) return "refused";
  const headers = [`Authorization: Bearer ${token}`, "Content-Type: application/json", "Connection: close"];
  const answer = await ask(client, end, requestText("POST", TOKEN_PATH, hostOf(end), headers, "{}"));
  if (answer === undefined || answer === "") return "no answer";
  return tokenAnswerOf(statusOf(answer));
}
