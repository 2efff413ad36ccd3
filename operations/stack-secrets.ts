import { spawn } from "node:child_process";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { OperationError } from "./error.ts";
import { PROJECT } from "./settings.ts";

const KEY = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

/**
 * Puts secrets into the stack's configuration as `gatehouse:KEY`, encrypted by the engine. Those that are there with the
 * same value are left alone. The values go through stdin: arguments can be seen by every user of the machine.
 * @throws {OperationError} `secret` for a key that can't be one, an empty value, or when the engine refuses.
 */
export async function putSecrets(stack: Stack, secrets: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(secrets)) {
    if (!KEY.test(key)) throw bad("a secret's key has letters, digits, '_', '.' and '-' only, up to 128 of them");
    if (value === "") throw bad(`the secret ${key} is empty`);
  }
  if (Object.keys(secrets).length === 0) return;
  const present = await stack.getAllConfig();
  for (const [key, value] of Object.entries(secrets)) {
    const name = `${PROJECT}:${key}`;
    if (present[name]?.secret === true && present[name].value === value) continue;
    await set(stack, name, value);
  }
}

function set(stack: Stack, name: string, value: string): Promise<void> {
  const { workDir, envVars } = stack.workspace;
  return new Promise((resolve, reject) => {
    const child = spawn(
      "pulumi",
      ["config", "set", "--secret", "--non-interactive", "--stack", stack.name, name],
      // stdout is not read: nothing of a secret's way is kept
      { cwd: workDir, env: { ...process.env, ...envVars }, stdio: ["pipe", "ignore", "pipe"] },
    );
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status) => {
      if (status === 0) resolve();
      else reject(bad(`${name} could not be stored: ${stderr.replaceAll(value, "[secret]").trim()}`));
    });
    // an engine that ends early closes the pipe; its status says why
    child.stdin.on("error", () => undefined).end(value);
  });
}

function bad(message: string): OperationError {
  return OperationError.of(
    "secret",
    message,
    "give each secret a key and a value, as in `pulumi config set --secret KEY`",
  );
}
