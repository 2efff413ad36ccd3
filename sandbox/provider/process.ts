import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAlive, signal, type ProcessIdentity } from "../node/process-identity.ts";
import { waitFor } from "../node/wait.ts";
import { ProviderError } from "./errors.ts";
import { RECORDS_PATH } from "./server.ts";
import type { ProviderRecord } from "./records.ts";

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5000;

const pidFile = z.object({
  port: z.int(),
  process: z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() }),
});

export interface LaunchOptions {
  /** 0600, `{"label": "key"}`; read again at each request. */
  readonly keysFile: string;
  /** Written by the process once it listens, removed when it ends. */
  readonly pidFile: string;
  /** Its stderr. */
  readonly logFile: string;
  readonly port: number;
}

/**
 * Starts the stand-in as a process that outlives this one; one that already runs under `pidFile` is kept. Returns its port.
 * @throws {ProviderError} when it does not listen within 15 s.
 */
export async function launchProvider(options: LaunchOptions): Promise<number> {
  const running = await readPidFile(options.pidFile);
  if (running !== undefined) return running.port;
  const log = openSync(options.logFile, "a", 0o600);
  try {
    const args = ["--keys", options.keysFile, "--port", String(options.port), "--pid", options.pidFile];
    const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], {
      detached: true,
      stdio: ["ignore", "ignore", log],
      cwd: join(import.meta.dirname, "..", ".."),
      env: { PATH: process.env["PATH"] },
    });
    let ended = false;
    child.once("exit", () => (ended = true));
    child.once("error", () => (ended = true));
    child.unref();
    const ready = await waitFor(async () => (ended ? "ended" : await readPidFile(options.pidFile)), {
      timeoutMs: START_TIMEOUT_MS,
      everyMs: 50,
    });
    if (ready === undefined || ready === "ended") {
      throw new ProviderError("the stand-in provider did not start", `read ${options.logFile}`);
    }
    return ready.port;
  } finally {
    closeSync(log);
  }
}

/** Ends the process of a pid file; no error when there is none. */
export async function stopProvider(path: string): Promise<void> {
  const running = await readPidFile(path);
  if (running !== undefined && (await signal(running.process, "SIGTERM"))) {
    await waitFor(async () => ((await isAlive(running.process)) ? undefined : true), {
      timeoutMs: STOP_TIMEOUT_MS,
      everyMs: 50,
    });
    await signal(running.process, "SIGKILL");
  }
  await rm(path, { force: true });
}

/** What a running stand-in has recorded. */
export async function fetchRecords(port: number): Promise<readonly ProviderRecord[]> {
  const response = await fetch(`http://127.0.0.1:${port}${RECORDS_PATH}`);
  return (await response.json()) as readonly ProviderRecord[];
}

async function readPidFile(path: string): Promise<{ port: number; process: ProcessIdentity } | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = pidFile.parse(JSON.parse(text));
  return (await isAlive(parsed.process)) ? parsed : undefined;
}
