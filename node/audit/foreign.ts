/**
 * What somebody wrote into a file of ours by hand may be a secret: only what was declared leaves the node, and words that
 * are too plain to be one.
 */

/** Words of the vendor's configuration: modes and names, `*`, addresses and networks. */
const PLAIN =
  /^(?:[a-z][a-z0-9.:/_-]{0,15}|\*|\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\/\d{1,3})?)$/;
const SENSITIVE = /token|key|secret|password|credential/i;
const ASSIGNMENT = /^\s*Environment="?(\w+)=/gm;
const LEFT_OUT = "(a text that was not declared)";

/** Every text below a value. */
export function knownTexts(value: unknown): ReadonlySet<string> {
  if (typeof value === "string") return new Set([value]);
  if (typeof value !== "object" || value === null) return new Set();
  return new Set(Object.values(value).flatMap((part: unknown) => [...knownTexts(part)]));
}

/** The same value without texts that were not declared. */
export function withoutForeignTexts(value: unknown, known: ReadonlySet<string>, name = ""): unknown {
  if (typeof value === "string") {
    return known.has(value) || (PLAIN.test(value) && !SENSITIVE.test(name)) ? value : LEFT_OUT;
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part: unknown) => withoutForeignTexts(part, known, name));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutForeignTexts(part, known, key)]));
}

/** A property list without the lines that were not declared: any of them could hold a value. */
function withoutForeignLines(text: string, declared: string): string {
  const known = new Set(declared.split("\n").map((line) => line.trim()));
  return text
    .split("\n")
    .map((line) => {
      const plain = /^<(?:\/?(?:dict|array|plist[^<]*)|true\/|false\/|integer>\d{1,9}<\/integer)>$/.test(line.trim());
      return known.has(line.trim()) || plain ? line : `<string>${LEFT_OUT}</string>`;
    })
    .join("\n");
}

/** A unit's text without the values of variables whose names were not declared; those that were hold no secret. */
export function withoutForeignValues(text: string, declared: string): string {
  if (declared.startsWith("<?xml")) return withoutForeignLines(text, declared);
  const names = new Set([...declared.matchAll(ASSIGNMENT)].map(([, name]) => name));
  return text
    .split("\n")
    .map((line) => {
      const [assignment, name] = line.matchAll(ASSIGNMENT).next().value ?? [];
      return assignment === undefined || names.has(name) ? line : `${assignment}${LEFT_OUT}`;
    })
    .join("\n");
}
