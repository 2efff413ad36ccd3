import { open } from "node:fs/promises";
import { OperationError } from "./error.ts";
import type { StackOutputs } from "./outputs.ts";

/**
 * The private SSH key that the stack made for a principal.
 * @throws {OperationError} `principal` when there is none, naming those that there are.
 */
export function principalKey(outputs: StackOutputs, name: string): string {
  const key = outputs.principalKeys[name];
  if (key !== undefined) return key;
  const brought = outputs.principals.some((principal) => principal.name === name);
  const known = Object.keys(outputs.principalKeys);
  throw OperationError.of(
    "principal",
    brought
      ? `'${name}' came with a public key of its own: nobody here has the private one`
      : `the stack made no key for a principal of that name; it made ${known.length === 0 ? "none" : known.join(", ")}`,
    brought ? "ask its owner" : "name one of these, or declare the principal and run `gatehouse up`",
  );
}

/**
 * Writes a private key into a new file that only its owner can read.
 * @throws {OperationError} `file` when there is a file already, or it can't be made.
 */
export async function writePrivateKey(path: string, key: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = "error" } = error as NodeJS.ErrnoException;
    throw OperationError.of(
      "file",
      code === "EEXIST" ? `${path} exists, and a key is never written over` : `${path} can't be written (${code})`,
      "name another file",
    );
  }
}
