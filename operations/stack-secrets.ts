import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { runEngine } from "./engine-command.ts";
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
    const { ok, stderr } = await runEngine(stack, ["config", "set", "--secret", name], value);
    if (!ok) throw bad(`${name} could not be stored: ${stderr.replaceAll(value, "[secret]").trim()}`);
  }
}

function bad(message: string): OperationError {
  return OperationError.of(
    "secret",
    message,
    "give each secret a key and a value, as in `pulumi config set --secret KEY`",
  );
}
