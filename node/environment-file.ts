import { PhaseFailure } from "./lib/failure.ts";
import { EXIT } from "./protocol.ts";

/** systemd reads up to 128 KiB per assignment (measured on 252 and 257); half of it leaves room for escapes. */
export const MAX_SECRET_BYTES = 64 * 1024;

/**
 * An EnvironmentFile that systemd and `sh -c '. FILE'` read the same way, byte for byte: every value in double quotes,
 * with backslash, quote, dollar and backtick escaped. Inside double quotes both drop a backslash before these four only,
 * expand nothing that is escaped, and keep newlines (facts: secret-managers.md 3.2).
 * @throws {PhaseFailure} for a name or value that one of them would refuse or, as systemd does, print to the journal.
 */
export function renderEnvironmentFile(variables: ReadonlyMap<string, string>): string {
  return [...variables]
    .map(([name, value]) => {
      checkVariableName(name);
      checkSecretValue(name, value);
      return `${name}="${value.replace(/[\\"$`]/g, "\\$&")}"\n`;
    })
    .join("");
}

function unusable(message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "provider credential", code: "secret-value", message, fix, exit: EXIT.refused });
}

/** Portable and upper case, as OpenClaw's env references want it. */
function checkVariableName(name: string): void {
  if (/^[A-Z][A-Z0-9_]{0,127}$/.test(name)) return;
  throw unusable(
    "a variable name is not made of upper-case letters, digits and '_'",
    "rename the agent or the provider that the variable is derived from",
  );
}

/** Refuses what cannot travel through an environment; `name` is the variable that the message may show. */
function checkSecretValue(name: string, value: string): void {
  const problem = secretValueProblem(value);
  if (problem === undefined) return;
  throw unusable(
    `the value for ${name} ${problem}`,
    "check in the secret manager that the reference names one text field with the key itself",
  );
}

/** Why a value cannot be an environment variable's; `undefined` when it can. Never contains the value. */
export function secretValueProblem(value: string): string | undefined {
  if (value === "") return "is empty";
  if (!value.isWellFormed()) return "is not well-formed Unicode";
  if (value.includes("\0")) return "contains a NUL character";
  // U+FDD0..U+FDEF and the last two code points of each plane; systemd rejects the whole unit for one of them
  if (/\p{Noncharacter_Code_Point}/u.test(value)) return "contains a Unicode noncharacter";
  if (Buffer.byteLength(value, "utf8") > MAX_SECRET_BYTES) return `is longer than ${MAX_SECRET_BYTES} bytes`;
  return undefined;
}

/**
 * Reads a file that `renderEnvironmentFile` wrote.
 * @throws {PhaseFailure} when the text has another form; then nothing may be concluded from it.
 */
export function parseEnvironmentFile(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  const assignment = /([A-Z][A-Z0-9_]*)="((?:[^"\\$`]|\\[\\"$`])*)"\n/gy;
  while (assignment.lastIndex < text.length) {
    const match = assignment.exec(text);
    if (match === null) {
      throw new PhaseFailure({
        layer: "config or disk",
        code: "damaged-state",
        message: "the environment file is not in the form that Gatehouse writes",
        fix: "apply the gateway again; it writes the file anew",
        exit: EXIT.os,
      });
    }
    variables.set(match[1] ?? "", (match[2] ?? "").replace(/\\([\\"$`])/g, "$1"));
  }
  return variables;
}
