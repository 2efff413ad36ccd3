import { specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc.js";

/** A property value as the engine sends it: secrets are wrapped objects, unknown values a sentinel string. */
export type Wire = null | boolean | number | string | undefined | readonly Wire[] | WireObject;
export interface WireObject {
  readonly [key: string]: Wire;
}

export function isObject(value: Wire): value is WireObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSecret(value: Wire): value is WireObject {
  return isObject(value) && value[specialSigKey] === specialSecretSig;
}

/** True for a value that only the update itself will know. */
export function isUnknown(value: Wire): boolean {
  return value === unknownValue;
}

/** Marks a value as secret; a value that is marked already stays as it is. */
export function asSecret(value: Wire): Wire {
  return isSecret(value) ? value : { [specialSigKey]: specialSecretSig, value };
}

/** The value without its own secret mark; marks further inside stay. */
export function peel(value: Wire): Wire {
  let inner = value;
  while (isSecret(inner)) inner = inner["value"];
  return inner;
}

/** The value without any secret mark, at any depth. */
export function reveal(value: Wire): Wire {
  const inner = peel(value);
  if (Array.isArray(inner)) return inner.map(reveal);
  if (!isObject(inner)) return inner;
  return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, reveal(item)]));
}

/** True when a mark is on the value or anywhere inside it. */
export function holdsSecret(value: Wire): boolean {
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return isObject(value) && Object.values(value).some(holdsSecret);
}
