import type { Duplex } from "node:stream";

export const ANSWER_MS = 8000;
/** First frame of a gateway that a client has reached, before any credential (facts: remote-access.md 1). */
export const CHALLENGE = "connect.challenge";
/** No secret: any 16 bytes do, as RFC 6455 wants them. */
const UPGRADE_KEY = Buffer.from("gatehouse probes").toString("base64");
/** An answer that matters has its end within it. */
const MAX_CHARACTERS = 64 * 1024;

/** Sends one request and reads until the other side ends, `enough` is there, or the time is up. */
export function exchange(stream: Duplex, request: string, enough: (text: string) => boolean): Promise<string> {
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
      if (enough(text) || text.length > MAX_CHARACTERS) done();
    });
    for (const event of ["end", "close", "error"]) stream.once(event, done);
    stream.write(request);
  });
}

/** @param host Host header. */
export function requestText(method: string, path: string, host: string, headers: readonly string[], body = ""): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, `Content-Length: ${body.length}`];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** A WebSocket upgrade with a name of its own, which the gateway writes into its log. */
export function upgradeHeaders(mark: string): string[] {
  return [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${UPGRADE_KEY}`,
    `User-Agent: ${mark}`,
  ];
}

/** Whether an upgrade is decided: the first frame is there, or a whole answer that is no upgrade. */
export function isDecided(text: string): boolean {
  if (text.includes(CHALLENGE)) return true;
  const end = text.indexOf("\r\n\r\n");
  const status = statusOf(text);
  if (end < 0 || status === 0 || status === 101) return false;
  const head = text.slice(0, end);
  const length = /^content-length:\s*(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return /^transfer-encoding:\s*chunked/im.test(head) && text.endsWith("0\r\n\r\n");
}

/** HTTP status of an answer; 0 when there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? "0");
}
