import { hideTokens } from "./token-shapes.ts";

/** What a reference points at, whatever version of it: references that differ in their options are one secret. */
export function secretOf(reference: string): string {
  return reference.split("?")[0] ?? reference;
}

/** Where it is kept: a path in Vault or an item in 1Password holds several fields, and who may read it reads them all. */
export function placeOf(reference: string): string {
  const secret = secretOf(reference);
  if (secret.startsWith("op://")) return secret.split("/").slice(0, 4).join("/");
  return /^(?:pulumi|env|file):/.test(secret) ? secret : (secret.split("#")[0] ?? secret);
}

/** A reference as a message may show it. What has no scheme could be a value. */
export function shown(reference: string): string {
  return /^[a-z][a-z0-9-]{0,20}:\/\//.test(reference) ? hideTokens(reference) : "(no reference)";
}
