import { spawn } from "node:child_process";

export interface ProcessResult {
  /** Exit status, or undefined when a signal or the deadline ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the process is killed. */
  readonly timeoutMs: number;
}

/**
 * Runs a program to its end and collects its output.
 * @throws {Error} with `code` ENOENT when the program does not exist.
 */
export function runProcess(command: string, args: readonly string[], options: ProcessOptions): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    // what it started may hold its pipes for longer than it lives
    child.once("exit", () => {
      if (!timedOut) return;
      child.stdout.destroy();
      child.stderr.destroy();
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ status: code ?? undefined, stdout, stderr, timedOut });
    });
  });
}
