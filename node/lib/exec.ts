import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** What every command gets unless the caller says otherwise: no variable of this process is inherited. */
export const MINIMAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const BASE_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: MINIMAL_PATH, LANG: "C.UTF-8" };

export interface ExecOptions {
  /** Added to PATH and LANG; the environment of this process is never passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default: empty stdin. Never logged. */
  readonly stdin?: string;
  /** Seconds until the whole process group is killed. */
  readonly timeoutSeconds: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Bytes kept of each stream, the last ones; default 1 MiB. */
  readonly keepBytes?: number;
  /** Called with every complete line of stdout as it comes. */
  readonly onStdoutLine?: (line: string) => void;
  /** Given the other end of a socket that the program has as file descriptor 3. */
  readonly onLink?: (socket: Duplex) => void;
  /** Called with every complete line of stderr as it comes. */
  readonly onStderrLine?: (line: string) => void;
}

export interface ExecResult {
  /** null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** True when more than `keepBytes` came on stdout or stderr and the beginning was dropped. */
  readonly truncated: boolean;
  readonly seconds: number;
}

class Tail {
  #chunks: Buffer[] = [];
  #length = 0;
  dropped = false;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#chunks.length > 1 && this.#length - (this.#chunks[0]?.length ?? 0) >= this.#limit) {
      this.#length -= this.#chunks.shift()?.length ?? 0;
      this.dropped = true;
    }
  }

  toString(): string {
    const all = Buffer.concat(this.#chunks);
    if (all.length > this.#limit) this.dropped = true;
    return all.subarray(Math.max(0, all.length - this.#limit)).toString("utf8");
  }
}

const running = new Set<ChildProcess>();

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}

/** Kills every command still running; for the watchdog. */
export function killAllCommands(): void {
  for (const child of running) killGroup(child, "SIGKILL");
}

function feedLines(onLine: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    push(chunk) {
      const parts = (rest + decoder.write(chunk)).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) onLine(line);
    },
    end() {
      rest += decoder.end();
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}

/**
 * Runs a program without a shell, in its own process group. Resolves for every exit status; rejects only when the
 * program could not be started (ENOENT, EACCES). Neither stdin nor the environment is ever logged.
 */
export async function exec(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult> {
  const [file, ...args] = argv;
  const start = performance.now();
  const child = spawn(file, args, {
    detached: true,
    stdio: ["pipe", "pipe", "pipe", ...(options.onLink === undefined ? [] : (["pipe"] as const))],
    env: { ...BASE_ENVIRONMENT, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  running.add(child);
  if (options.onLink !== undefined) options.onLink(child.stdio[3] as unknown as Duplex);
  const limit = options.keepBytes ?? 1024 * 1024;
  const stdout = new Tail(limit);
  const stderr = new Tail(limit);
  const outLines = options.onStdoutLine === undefined ? undefined : feedLines(options.onStdoutLine);
  const lines = options.onStderrLine === undefined ? undefined : feedLines(options.onStderrLine);
  child.stdout.on("data", (chunk: Buffer) => {
    stdout.push(chunk);
    outLines?.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr.push(chunk);
    lines?.push(chunk);
  });
  // A program that exits without reading its input is not an error of ours.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");

  let timedOut = false;
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child, "SIGTERM");
      setTimeout(() => {
        killGroup(child, "SIGKILL");
        // A grandchild that left the group may still hold the pipes.
        child.stdout.destroy();
        child.stderr.destroy();
      }, 2000).unref();
    }, options.timeoutSeconds * 1000);
    child.on("error", (error) => {
      clearTimeout(timer);
      running.delete(child);
      reject(error);
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      running.delete(child);
      outLines?.end();
      lines?.end();
      const texts = { stdout: stdout.toString(), stderr: stderr.toString() };
      resolve({
        status,
        signal,
        ...texts,
        timedOut,
        truncated: stdout.dropped || stderr.dropped,
        seconds: (performance.now() - start) / 1000,
      });
    });
  });
}

/** How a command ended, for messages: `exit status 3`, `killed by SIGKILL`, `no answer within 10 s`. */
export function describeEnd(result: ExecResult): string {
  if (result.timedOut) return `no answer within ${Math.round(result.seconds)} s`;
  return result.signal === null ? `exit status ${String(result.status)}` : `killed by ${result.signal}`;
}
