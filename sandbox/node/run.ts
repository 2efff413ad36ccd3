import { spawn } from "node:child_process";
import { HostCommandFailed } from "./errors.ts";

const INHERITED = ["HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface RunOptions {
  /** Milliseconds, by default 60 000; then the program is killed and counts as failed. */
  readonly timeoutMs?: number;
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program of the host and returns its stdout.
 * @throws {HostCommandFailed} when it can't be started, exits non-zero or outlives its deadline.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...hostEnvironment(process.env), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    // a program that does not read its stdin closes it early
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
    const label = `${command} ${args[0] ?? ""}`.trim();
    child.once("error", (error) => {
      reject(new HostCommandFailed(label, error.message, ""));
    });
    child.once("close", (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new HostCommandFailed(label, signal ?? `status ${code ?? "unknown"}`, stderr || stdout));
    });
  });
}

/** What programs of the system need, and none of the operator's other variables: those may hold secrets. */
function hostEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const chosen: NodeJS.ProcessEnv = { PATH: SYSTEM_PATH, LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
  for (const name of INHERITED) if (env[name] !== undefined) chosen[name] = env[name];
  return chosen;
}
