import { createHash, createHmac } from "node:crypto";
import { RenderError } from "./errors.ts";

/** Shorter values could be found by trying them all, even without the key's help (facts: secret-managers.md 5). */
const MINIMUM_LENGTH = 16;

/** What a fingerprint is about; equal values in different slots have different fingerprints. */
export const slots = {
  gatewayToken: (gateway: string): string => `gateway/${gateway}/token`,
  credential: (gateway: string, agent: string, provider: string): string =>
    `gateway/${gateway}/agent/${agent}/${provider}`,
  nodeIdentity: (gateway: string, variable: string): string => `gateway/${gateway}/node-identity/${variable}`,
} as const;

/**
 * `h1.<4 characters of the key's id>.<128 bits, base64url>`: tells whether a value changed, and nothing else without `key`.
 * The key id tells "the fingerprint key was rotated" from "the value changed".
 * @param key 32 random bytes of the stack; never sent to a node.
 * @throws {RenderError} for a value under 16 characters.
 */
export function fingerprint(key: Uint8Array, slot: string, value: string): string {
  if (value.length < MINIMUM_LENGTH) {
    throw new RenderError(
      `the value for ${slot} has fewer than ${MINIMUM_LENGTH} characters`,
      "no provider issues keys this short; check that the reference names the key itself",
    );
  }
  const keyId = createHash("sha256").update("gatehouse/fp-key/v1\0").update(key).digest("base64url").slice(0, 4);
  const digest = createHmac("sha256", key).update(`gatehouse/fp/v1\0${slot}\0${value}`, "utf8").digest();
  return `h1.${keyId}.${digest.subarray(0, 16).toString("base64url")}`;
}
