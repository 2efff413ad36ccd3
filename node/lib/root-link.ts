import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { EXIT } from "../protocol.ts";
import type { PhaseError, PhaseResult } from "../protocol.ts";
import { PhaseFailure, toPhaseFailure } from "./failure.ts";

/**
 * The way back from a step that runs as a gateway's user to the root process that started it: one socket, inherited as
 * file descriptor 3, one JSON object a line (docs/decisions/0028). Only where starting a unit takes root.
 */
export const LINK_DESCRIPTOR = 3;
/** Set for a step that has the link. */
export const LINK_VARIABLE = "GATEHOUSE_ROOT_LINK";
/** No request is larger: names and numbers. */
const LIMIT_CHARACTERS = 4096;

/** Root's side: answers a request, or throws a `PhaseFailure`. */
export type RequestHandler = (request: unknown) => Promise<unknown>;

async function answer(line: string, handle: RequestHandler): Promise<PhaseResult<unknown>> {
  try {
    return { ok: true, value: (await handle(JSON.parse(line))) ?? null };
  } catch (error) {
    return { ok: false, error: toPhaseFailure(error).toPhaseError() };
  }
}

/** Answers what comes through the socket, one request after the other, until it is closed. */
export function serveRequests(socket: Duplex, handle: RequestHandler): void {
  let rest = "";
  let turn: Promise<void> = Promise.resolve();
  // a step that died has no use for its answer
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LIMIT_CHARACTERS || lines.some((line) => line.length > LIMIT_CHARACTERS)) {
      socket.destroy();
      return;
    }
    for (const line of lines) {
      turn = turn.then(async () => {
        const result = await answer(line, handle);
        if (!socket.destroyed) socket.write(`${JSON.stringify(result)}\n`);
      });
    }
  });
}

function broken(): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "root-link",
    message:
      "this step cannot ask root to start or stop its unit: the connection to the process that started it is gone",
    fix: "run the same command again; by hand, steps are not run alone",
    exit: EXIT.software,
  });
}

/** The user's side of the link; one request at a time. */
export class RootLink {
  readonly #socket: Duplex;
  #waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #rest = "";
  #closed = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#rest += chunk.toString("utf8");
      const end = this.#rest.indexOf("\n");
      if (end < 0) return;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      this.#waiting?.resolve(line);
    });
    const close = (): void => {
      this.#closed = true;
      this.#waiting?.reject(broken());
    };
    socket.on("close", close);
    socket.on("end", close);
    socket.on("error", close);
  }

  /** @throws {PhaseFailure} what root ended with, unchanged, or `root-link`. */
  async ask(request: object): Promise<unknown> {
    const mine = this.#turn.then(() => this.#ask(request));
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }

  async #ask(request: object): Promise<unknown> {
    if (this.#closed) throw broken();
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
    this.#waiting = undefined;
    const result = JSON.parse(line) as PhaseResult<unknown>;
    if (result.ok) return result.value;
    throw new PhaseFailure(withExit(result.error));
  }
}

function withExit(error: PhaseError) {
  return { ...error, exit: EXIT.unavailable };
}

let inherited: RootLink | undefined;

/**
 * The link that this process was started with.
 * @throws {PhaseFailure} `root-link` without one.
 */
export function rootLink(): RootLink {
  if (process.env[LINK_VARIABLE] !== String(LINK_DESCRIPTOR)) throw broken();
  if (inherited === undefined) {
    const socket = new Socket({ fd: LINK_DESCRIPTOR, readable: true, writable: true });
    // an open link keeps no finished step alive
    socket.unref();
    inherited = new RootLink(socket);
  }
  return inherited;
}
