import { SpecError } from "../spec/index.ts";
import { describeFailure, OperationError, type Failure } from "./error.ts";

/** Exit statuses of `gatehouse` and of the demo. */
export const EXIT_STATUS = { ok: 0, failed: 1, usage: 2, policy: 3, interrupted: 130 } as const;

export const EXIT_STATUS_HELP =
  "Exit status: 0 done, 1 something failed, 2 wrong usage or input (nothing was done), " +
  "3 a mandatory policy is violated (nothing was done), 130 interrupted.";

const INPUT_CODES: ReadonlySet<string> = new Set([
  "config-file",
  "confirm",
  "demo-record",
  "file",
  "host",
  "input",
  "missing-secret",
  "other-stack",
  "passphrase-file",
  "passphrase-lost",
  "principal",
  "rollback",
  "rotation",
  "secret",
  "spec",
  "stack-name",
  "state-directory",
  "state-newer",
  "state-unknown",
]);

/** What went wrong, in the form that every command reports. An error that is not one of ours has no fix to offer. */
export function failuresOf(error: unknown): readonly Failure[] {
  if (error instanceof OperationError) return error.failures;
  if (error instanceof SpecError) return [{ code: "spec", message: error.message, fix: error.fix }];
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (hasFix(error)) return [{ code: "failed", message: error.message, fix: error.fix }];
  return [{ code: "internal", message: text, fix: "this is a defect of gatehouse: report it with the text above" }];
}

export function exitStatusOf(failures: readonly Failure[]): number {
  const codes = failures.map(({ code }) => code);
  if (codes.includes("interrupted")) return EXIT_STATUS.interrupted;
  if (codes.includes("policy")) return EXIT_STATUS.policy;
  return codes.some((code) => INPUT_CODES.has(code)) ? EXIT_STATUS.usage : EXIT_STATUS.failed;
}

/** The report for people, on stderr. */
export function printFailures(failures: readonly Failure[]): void {
  for (const failure of failures) process.stderr.write(`gatehouse: ${describeFailure(failure)}\n`);
}

function hasFix(error: unknown): error is Error & { readonly fix: string } {
  return error instanceof Error && "fix" in error && typeof error.fix === "string";
}
