import { mask } from "../lib/mask.ts";

/** Shorter strings are ordinary words; hiding them would garble the text without protecting anything. */
const SHORTEST_SECRET = 6;
/** What looks like a key of somebody whom this program does not know: a public beginning and what follows it. */
const KEY_SHAPES = [
  /\b(?:sk|pk|rk|xai|gsk|hf|npm|pul|gh[pousr]|hvs|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){1,2}/g,
  /((?:bearer|token|password|secret|api[_-]?key|authorization)["']?\s*[:=]\s*["']?(?:bearer\s+)?)([A-Za-z0-9_\-.+/=]{8,})/gi,
] as const;
const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g;
/** The vendor shows the first and the last eight characters of a key: more than we do. */
const VENDOR_MASK = /([A-Za-z0-9_-]{4})[A-Za-z0-9_-]*(?:\.\.\.|…)[A-Za-z0-9_-]*([A-Za-z0-9_-]{4})/g;

/**
 * Makes a function that takes secrets out of a text: those that are known, also as JSON escapes them, and whatever has
 * the shape of a key. At most the first four and the last four characters of a value stay.
 */
export function scrubber(secrets: Iterable<string>): (text: string) => string {
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1)])])
    // the longest first: one may begin with another
    .sort((left, right) => right.length - left.length);
  return (text) => {
    const [shapes, jwt, assignments] = KEY_SHAPES;
    return known
      .reduce((shown, secret) => shown.replaceAll(secret, mask(secret)), text)
      .replace(PEM, "(private key)")
      .replace(VENDOR_MASK, "$1…$2")
      .replace(shapes, (found) => mask(found))
      .replace(jwt, (found) => mask(found))
      .replace(assignments, (_all, name: string, value: string) => `${name}${mask(value)}`);
  };
}
