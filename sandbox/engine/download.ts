import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import { ChecksumMismatch, DownloadUnavailable } from "./errors.ts";

/** Time for name lookup, TCP and TLS. A network without a way out should be noticed before the operator wonders. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Longest silence on an open connection. */
const STALL_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 3;

/**
 * Downloads a file and keeps it only if its SHA-256 (hex) is the pinned one. Proxy variables are honoured.
 * @throws {DownloadUnavailable} when it can't be reached within 5 s, stalls for 30 s or answers other than 200.
 * @throws {ChecksumMismatch} when other bytes came; the caller's file is then to be thrown away.
 */
export async function downloadPinned(url: string, sha256: string, file: string): Promise<void> {
  const response = await get(url, "GET", MAX_REDIRECTS);
  if (response.statusCode !== 200) {
    response.destroy();
    throw new DownloadUnavailable(url, `HTTP status ${response.statusCode ?? "unknown"}`);
  }
  const hash = createHash("sha256");
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(response, tap, createWriteStream(file, { mode: 0o600, flush: true }));
  } catch (error) {
    throw new DownloadUnavailable(url, reason(error));
  }
  const received = hash.digest("hex");
  if (received !== sha256) throw new ChecksumMismatch(url, sha256, received);
}

/** Whether anything answers HTTP at this address within 5 s. */
export async function reachable(url: string): Promise<boolean> {
  try {
    (await get(url, "HEAD", 0)).destroy();
    return true;
  } catch {
    return false;
  }
}

function get(url: string, method: "GET" | "HEAD", redirects: number): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith("https:");
    const agentOptions = { keepAlive: false, proxyEnv: process.env };
    const request = (secure ? https : http).request(url, {
      method,
      agent: secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions),
      headers: { "user-agent": "gatehouse" },
    });
    const deadline = setTimeout(() => {
      request.destroy(new Error(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s`));
    }, CONNECT_TIMEOUT_MS);
    request.once("socket", (socket) => {
      const connected = (): void => {
        clearTimeout(deadline);
      };
      socket.once(secure ? "secureConnect" : "connect", connected);
    });
    request.setTimeout(STALL_TIMEOUT_MS, () => {
      request.destroy(new Error(`silent for ${STALL_TIMEOUT_MS / 1000} s`));
    });
    request.once("error", (error) => {
      clearTimeout(deadline);
      reject(new DownloadUnavailable(url, reason(error)));
    });
    request.once("response", (response) => {
      clearTimeout(deadline);
      const location = response.headers.location;
      const status = response.statusCode ?? 0;
      if (status < 300 || status >= 400 || location === undefined || redirects === 0) {
        resolve(response);
        return;
      }
      response.destroy();
      const next = new URL(location, url);
      if (secure && next.protocol !== "https:") {
        reject(new DownloadUnavailable(url, "it redirects to an unencrypted address"));
        return;
      }
      get(next.href, method, redirects - 1).then(resolve, reject);
    });
    request.end();
  });
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return error.message || (code ?? error.name);
}
