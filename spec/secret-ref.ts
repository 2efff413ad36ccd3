import { z } from "zod";
import { formatManagerRef, MANAGER_SCHEMES, parseManagerRef } from "./manager-ref.ts";
import type { ManagerRef } from "./manager-ref.ts";

/**
 * A reference to a secret, never the value.
 * - `vault://mount/path#field`, `aws-sm://name-or-arn#json-key`: a secret manager, read by the node itself.
 * - `pulumi://KEY`: a secret of the stack's configuration (or of an ESC environment it imports), `gatehouse:KEY`.
 * - `env://NAME`: a variable of the operator's process; development only.
 * - `file:///absolute/path`: a file on the operator's machine that nobody else can read; development only.
 */
export type SecretRef =
  | ManagerRef
  | { readonly scheme: "pulumi"; readonly key: string }
  | { readonly scheme: "env"; readonly name: string }
  | { readonly scheme: "file"; readonly path: string };

/** The schemes this version resolves. */
export const SECRET_REF_SCHEMES = ["pulumi", "env", "file", ...MANAGER_SCHEMES] as const;

export type SecretRefParse =
  { readonly ok: true; readonly ref: SecretRef } | { readonly ok: false; readonly problem: string };

/** Parses a reference. The problem text never repeats the input: a value pasted in place of a reference must not be shown. */
export function parseSecretRef(text: string): SecretRefParse {
  const separator = text.indexOf("://");
  if (separator < 1) {
    return {
      ok: false,
      problem: `not a secret reference (no 'scheme://' in ${text.length} characters; expected ${SECRET_REF_SCHEMES.map((s) => `${s}://…`).join(", ")})`,
    };
  }
  const scheme = text.slice(0, separator);
  const rest = text.slice(separator + 3);
  switch (scheme) {
    case "pulumi":
      return /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/.test(rest)
        ? { ok: true, ref: { scheme, key: rest } }
        : { ok: false, problem: "pulumi:// takes one configuration key: letters, digits, '_', '.', '-'" };
    case "env":
      return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(rest)
        ? { ok: true, ref: { scheme, name: rest } }
        : { ok: false, problem: "env:// takes one variable name: letters, digits and '_'" };
    case "file":
      return /^\/[^\0\n]+$/.test(rest)
        ? { ok: true, ref: { scheme, path: rest } }
        : { ok: false, problem: "file:// takes an absolute path: file:///path/to/key" };
    case "vault":
    case "aws-sm":
      return parseManagerRef(scheme, rest);
    default:
      return {
        ok: false,
        problem: /^[a-z0-9-]{1,12}$/.test(scheme)
          ? `scheme '${scheme}' is not known; known are ${SECRET_REF_SCHEMES.join(", ")}`
          : `its scheme is not known; known are ${SECRET_REF_SCHEMES.join(", ")}`,
      };
  }
}

/** The text of a reference; `parseSecretRef(formatSecretRef(r))` gives `r` again. */
export function formatSecretRef(ref: SecretRef): string {
  switch (ref.scheme) {
    case "pulumi":
      return `pulumi://${ref.key}`;
    case "env":
      return `env://${ref.name}`;
    case "file":
      return `file://${ref.path}`;
    case "vault":
    case "aws-sm":
      return formatManagerRef(ref);
  }
}

/** A secret reference in a spec: stays the text that the author wrote. */
export const secretRefSchema = z.string().superRefine((text, context) => {
  const parsed = parseSecretRef(text);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.problem });
});
