import { EXIT } from "../protocol.ts";
import { PhaseFailure } from "./failure.ts";

/** 16 MiB: a payload holds a few files and keys; the largest, with the compressed lockfile, is below 1 MiB. */
const LIMIT_BYTES = 16 * 1024 * 1024;

function unreadable(message: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "payload",
    message,
    fix: "the connection was probably cut while the payload was on its way: run the same command again",
    exit: EXIT.usage,
  });
}

/** Reads stdin to its end and parses it; half a payload is not JSON, so a cut connection never starts a phase. */
export async function readPayload(input: AsyncIterable<Buffer> = process.stdin): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LIMIT_BYTES) throw unreadable(`payload: larger than ${LIMIT_BYTES} bytes`);
  }
  if (length === 0) throw unreadable("payload: nothing on stdin");
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    // The parser's message quotes the text, which holds secrets.
    throw unreadable(`payload: not JSON (${length} bytes, cut short?)`);
  }
}
