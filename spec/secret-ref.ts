import { z } from "zod";
import { RefProblem, RefReader } from "./ref-reader.ts";
import { GRAMMARS, SECRET_REF_SCHEMES, type RefScheme, type SecretRef } from "./ref-schemes.ts";

export type SecretRefParse =
  { readonly ok: true; readonly ref: SecretRef } | { readonly ok: false; readonly problem: string };

/**
 * Parses a reference to a secret: it names where a value is kept, and is never the value. The problem says at which
 * character it goes wrong and never repeats the input: a value pasted in place of a reference must not be shown.
 */
export function parseSecretRef(text: string): SecretRefParse {
  const separator = text.indexOf("://");
  const scheme = text.slice(0, Math.max(separator, 0));
  const known: RefScheme | undefined = SECRET_REF_SCHEMES.find((one) => one === scheme);
  if (known === undefined) return { ok: false, problem: schemeProblem(text, separator, scheme) };
  const grammar = GRAMMARS[known];
  try {
    return { ok: true, ref: grammar.parse(new RefReader(text, separator + 3)) };
  } catch (error) {
    if (!(error instanceof RefProblem)) throw error;
    return { ok: false, problem: `is wrong at ${error.message} (${grammar.form})` };
  }
}

function schemeProblem(text: string, separator: number, scheme: string): string {
  const known = SECRET_REF_SCHEMES.join(", ");
  if (separator < 1) {
    return `not a secret reference (no 'scheme://' in ${text.length} characters; schemes are ${known})`;
  }
  return /^[a-z0-9-]{1,12}$/.test(scheme)
    ? `scheme '${scheme}' is not known; known are ${known}`
    : `its scheme is not known; known are ${known}`;
}

/** The text of a reference; `parseSecretRef(formatSecretRef(r))` gives `r` again. */
export function formatSecretRef(ref: SecretRef): string {
  const grammar = GRAMMARS[ref.scheme] as { format(one: SecretRef): string };
  return `${ref.scheme}://${grammar.format(ref)}`;
}

/** A secret reference in a spec: stays the text that the author wrote. */
export const secretRefSchema = z.string().superRefine((text, context) => {
  const parsed = parseSecretRef(text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.problem });
});
