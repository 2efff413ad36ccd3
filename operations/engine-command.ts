import { spawn } from "node:child_process";
import type { Stack } from "@pulumi/pulumi/automation/index.js";

export interface EngineOutcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the CLI on a stack, for what the Automation API does only with secrets among the arguments, where every user of
 * the machine sees them, or with more processes than it takes.
 */
export function runEngine(stack: Stack, args: readonly string[], stdin = ""): Promise<EngineOutcome> {
  const { workDir, envVars } = stack.workspace;
  return new Promise((resolve, reject) => {
    const child = spawn("pulumi", [...args, "--non-interactive", "--stack", stack.name], {
      cwd: workDir,
      env: { ...process.env, ...envVars },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ ok: status === 0, stdout, stderr });
    });
    // an engine that ends early closes the pipe; its status says why
    child.stdin.on("error", () => undefined).end(stdin);
  });
}
