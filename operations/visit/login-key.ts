import { readFile } from "node:fs/promises";
import { isManaged, ReadFailure, readManagers } from "../../managers/index.ts";
import { parseSecretRef } from "../../spec/index.ts";
import { OperationError } from "../error.ts";
import { PROJECT } from "../settings.ts";

/**
 * SECRET: the private key that a node's connection refers to.
 * @param settings SECRET: of the stack, by full key.
 * @throws {OperationError} `secret` when it can't be read; the text holds no value.
 */
export async function loginKey(reference: string, settings: Readonly<Record<string, string>>): Promise<string> {
  const parsed = parseSecretRef(reference);
  if (!parsed.ok) throw unusable(parsed.problem);
  const { ref } = parsed;
  let value: string | undefined;
  if (isManaged(ref)) {
    const reading = (await readManagers(new Map([[reference, ref]]))).get(reference);
    if (reading instanceof ReadFailure) throw unusable(reading.message, reading.fix);
    value = reading?.value;
  } else if (ref.scheme === "pulumi") value = settings[`${PROJECT}:${ref.key}`];
  else if (ref.scheme === "env") value = process.env[ref.name];
  else value = await readFile(ref.path, "utf8").catch(() => undefined);
  if (value === undefined || value === "") throw unusable("nothing is there");
  return value.endsWith("\n") ? value : `${value}\n`;
}

function unusable(
  problem: string,
  fix = "check `privateKey` of the node's connection, or use your SSH agent",
): OperationError {
  return OperationError.of("secret", `the private key of the node's connection can't be read: ${problem}`, fix);
}
