import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { TOKEN_PATH, tokenAnswerOf } from "../../node/diagnose/session.ts";
import type { TokenAnswer } from "../../node/diagnose/evidence.ts";
import type { HereEvidence, Probe } from "./evidence.ts";

const ANSWER_MS = 8000;
/** First frame of a gateway that a client has reached, before any credential (facts: remote-access.md 1). */
const CHALLENGE = "connect.challenge";
/** No secret: any 16 bytes do, as RFC 6455 wants them. */
const UPGRADE_KEY = Buffer.from("gatehouse probes").toString("base64");

/** A TCP connection to a port of the node's loopback, as `ssh -L` would make it; undefined when sshd refuses. */
function forward(client: Client, port: number): Promise<Duplex | undefined> {
  return new Promise((resolve) => {
    client.forwardOut("127.0.0.1", 0, "127.0.0.1", port, (error, stream) => {
      resolve(error === undefined ? stream : undefined);
    });
  });
}

/** Sends one request and reads until the other side ends, `enough` is there, or the time is up. */
function exchange(stream: Duplex, request: string, enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = (): void => {
      clearTimeout(timer);
      stream.destroy();
      resolve(text);
    };
    const timer = setTimeout(done, ANSWER_MS);
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (enough(text)) done();
    });
    for (const event of ["end", "close", "error"]) stream.once(event, done);
    stream.write(request);
  });
}

function request(method: string, path: string, port: number, headers: readonly string[], body = ""): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers, `Content-Length: ${body.length}`];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** HTTP status of an answer; 0 when there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "0");
}

function probeOf(answer: string, proof: RegExp): Probe {
  if (answer === "") return "no answer";
  return proof.test(answer) ? "ok" : "another answer";
}

async function ask(client: Client, port: number, text: string, enough: (answer: string) => boolean = () => false) {
  const stream = await forward(client, port);
  return stream === undefined ? undefined : await exchange(stream, text, enough);
}

/** The gateway through the SSH connection: reachable, ready, and a WebSocket that gets its first frame. Sends no token. */
export async function lookThroughTunnel(client: Client, port: number): Promise<HereEvidence> {
  const get = (path: string) => ask(client, port, request("GET", path, port, ["Connection: close"]));
  const upgrade = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${UPGRADE_KEY}`,
  ];
  const healthz = await get("/healthz");
  if (healthz === undefined) {
    return { tunnel: "refused", healthz: "no answer", readyz: "no answer", upgrade: "no answer" };
  }
  const readyz = (await get("/readyz")) ?? "";
  const socket =
    (await ask(client, port, request("GET", "/", port, upgrade), (text) => text.includes(CHALLENGE))) ?? "";
  return {
    tunnel: "open",
    healthz: probeOf(healthz, /"status":\s*"live"/),
    readyz: probeOf(readyz, /"ready":\s*true/),
    upgrade: probeOf(socket, new RegExp(`^HTTP/1\\.1 101[\\s\\S]*${CHALLENGE}`)),
  };
}

/** What the gateway answers to a token through the tunnel. */
export async function tryToken(client: Client, port: number, token: string): Promise<TokenAnswer> {
  // what no header can hold is no token of this gateway
  if (!/^[\x21-\x7e]+$/.test(token)) return "refused";
  const headers = [`Authorization: Bearer ${token}`, "Content-Type: application/json", "Connection: close"];
  const answer = await ask(client, port, request("POST", TOKEN_PATH, port, headers, "{}"));
  if (answer === undefined || answer === "") return "no answer";
  return tokenAnswerOf(statusOf(answer));
}
