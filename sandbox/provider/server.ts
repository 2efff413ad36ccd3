import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { ProviderError } from "./errors.ts";
import { stepOf, type Script } from "./conversation.ts";
import { checkKeys, labelOf, NONE, UNKNOWN, type ProviderKeys } from "./keys.ts";
import { INVALID_KEY, invalidRequest, message, messageEvents } from "./messages.ts";
import { RecordBook, type ProviderRecord } from "./records.ts";

/** Lists what came so far; answered without a key because it holds none. */
export const RECORDS_PATH = "/__records";

const MESSAGES_PATH = "/v1/messages";
const HOST = "127.0.0.1";
/** A turn sends its whole context. */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;
const requestBody = z.object({ model: z.string(), stream: z.boolean().optional() });

export interface ProviderOptions {
  /** The keys that are let in, or where to look them up at each request (rotation). */
  readonly keys: ProviderKeys | (() => Promise<ProviderKeys>);
  /** By default a free one. */
  readonly port?: number;
  /** What the model does in a step; by default it answers "pong" to everything. */
  readonly script?: Script;
}

export interface Provider {
  readonly port: number;
  /** For `models.providers.anthropic.baseUrl`. */
  readonly baseUrl: string;
  records(): readonly ProviderRecord[];
  close(): Promise<void>;
}

/**
 * Starts a loopback stand-in of a model provider. It is no model: it answers every message with "pong" when the key is an
 * expected one, or calls the tool that a script names, refuses it as the vendor does when not, and remembers whose key came.
 * @throws {ProviderError} when the keys are unusable or the port is taken.
 */
export async function startProvider(options: ProviderOptions): Promise<Provider> {
  const { keys, script = () => undefined } = options;
  const expected = typeof keys === "function" ? keys : staticKeys(checkKeys(keys));
  const book = new RecordBook();
  const server = createServer((request, response) => {
    answer(request, response, { expected, script, book }).catch(() => {
      // the reason may quote the request: only the status goes out
      if (response.headersSent) response.destroy();
      else json(response, 500, { type: "error", error: { type: "api_error", message: "the stand-in failed" } });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new ProviderError(`the stand-in can't listen: ${cause.message}`, "choose another port", { cause }));
    });
    server.listen({ host: HOST, port: options.port ?? 0 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://${HOST}:${port}`,
    records: () => book.all(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  {
    expected,
    script,
    book,
  }: { readonly expected: () => Promise<ProviderKeys>; readonly script: Script; readonly book: RecordBook },
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (request.method === "GET" && path === RECORDS_PATH) {
    json(response, 200, book.all());
    return;
  }
  const key = labelOf(presentedKey(request), await expected());
  const body = await readBody(request);
  const known = request.method === "POST" && path === MESSAGES_PATH;
  const parsed = body === undefined ? undefined : requestBody.safeParse(body).data;
  const stream = parsed?.stream ?? false;
  const refused = key === UNKNOWN || key === NONE;
  const status = refused ? 401 : !known ? 404 : parsed === undefined ? 400 : 200;
  book.add({
    time: new Date().toISOString(),
    path: known ? path : "other",
    model: parsed?.model,
    key,
    status,
    stream,
  });

  if (refused) json(response, status, INVALID_KEY);
  else if (!known) json(response, status, invalidRequest("the stand-in knows only POST /v1/messages"));
  else if (parsed === undefined) json(response, status, invalidRequest("no JSON object with a model"));
  else if (!stream) json(response, status, message(parsed.model, script(stepOf(body, key))));
  else {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    for (const chunk of messageEvents(parsed.model, script(stepOf(body, key)))) response.write(chunk);
    response.end();
  }
}

/** `x-api-key` for API keys, `authorization: Bearer` for tokens. */
function presentedKey(request: IncomingMessage): string | undefined {
  const header = request.headers["x-api-key"];
  if (typeof header === "string" && header !== "") return header;
  return /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > BODY_LIMIT_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

function staticKeys(keys: ProviderKeys): () => Promise<ProviderKeys> {
  return () => Promise.resolve(keys);
}
