/** Shorter strings are ordinary words; replacing them would garble messages without hiding anything. */
const SHORTEST_SECRET = 6;
const PLACEHOLDER = "[redacted]";

/** Every string found under a `value` field, at any depth: that is how the protocol carries secrets. */
function secretsIn(payload: unknown, found: Set<string>): void {
  if (typeof payload !== "object" || payload === null) return;
  for (const [name, value] of Object.entries(payload)) {
    if (name === "value" && typeof value === "string" && value.length >= SHORTEST_SECRET) found.add(value);
    else secretsIn(value, found);
  }
}

/**
 * A last line of defence behind "never put a secret into a message": removes this payload's secret values, also as
 * JSON escapes them, from any outgoing line.
 */
export function redactorFor(payload: unknown): (line: string) => string {
  const found = new Set<string>();
  secretsIn(payload, found);
  const needles = [...found]
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((left, right) => right.length - left.length);
  return (line) => needles.reduce((text, needle) => text.replaceAll(needle, PLACEHOLDER), line);
}
