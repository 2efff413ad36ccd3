import { createHash, timingSafeEqual } from "node:crypto";
import { open } from "node:fs/promises";
import { z } from "zod";
import { ProviderError } from "./errors.ts";

/** Label -> key. The label is what records show. */
export type ProviderKeys = Readonly<Record<string, string>>;

/** Labels of requests with a key that is not expected, and without any. */
export const UNKNOWN = "unknown";
export const NONE = "none";

/** Which expected key this is. Compares in constant time, all of them. */
export function labelOf(presented: string | undefined, keys: ProviderKeys): string {
  if (presented === undefined || presented === "") return NONE;
  let label = UNKNOWN;
  for (const [name, key] of Object.entries(keys)) if (timingSafeEqual(digest(presented), digest(key))) label = name;
  return label;
}

/** @throws {ProviderError} for a label with a meaning of its own, an empty key or one key under two labels. */
export function checkKeys(keys: ProviderKeys): ProviderKeys {
  for (const [label, key] of Object.entries(keys)) {
    if (label === UNKNOWN || label === NONE || label === "") {
      throw new ProviderError(`${JSON.stringify(label)} can't be the label of a key`, "choose another label");
    }
    if (key === "") throw new ProviderError(`the key ${label} is empty`, "give it a value");
  }
  if (new Set(Object.values(keys)).size !== Object.keys(keys).length) {
    throw new ProviderError("two labels have the same key", "give each label a key of its own");
  }
  return keys;
}

/**
 * Reads `{"label": "key"}` from a file that only its owner can read.
 * @throws {ProviderError} when it can't be read, others can read it, or it holds something else.
 */
export async function readKeysFile(path: string): Promise<ProviderKeys> {
  const handle = await open(path, "r").catch((cause: unknown) => {
    throw new ProviderError(`the key file ${path} can't be read`, "does it exist, and is it yours?", { cause });
  });
  try {
    if (((await handle.stat()).mode & 0o077) !== 0) {
      throw new ProviderError(`others can read the key file ${path}`, `chmod 600 ${path}`);
    }
    return checkKeys(parse(await handle.readFile("utf8"), path));
  } finally {
    await handle.close();
  }
}

function parse(text: string, path: string): ProviderKeys {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch {
    // no cause: the messages of JSON.parse and zod may quote the content
    throw new ProviderError(`the key file ${path} is not an object of label and key`, 'write {"label": "key"}');
  }
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
