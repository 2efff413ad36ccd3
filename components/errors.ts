import * as pulumi from "@pulumi/pulumi";

/** What a program cannot be run with; the engine shows it without a stack trace. Names fields, never values. */
export class ComponentError extends pulumi.RunError {
  override readonly name = "ComponentError";

  readonly problems: readonly string[];
  /** What to do about it. */
  readonly fix: string;

  constructor(problems: readonly string[], fix: string, cause?: unknown) {
    super(`${problems.map((problem) => `\n  - ${problem}`).join("")}\n  fix: ${fix}`);
    this.problems = problems;
    this.fix = fix;
    this.cause = cause;
  }
}
