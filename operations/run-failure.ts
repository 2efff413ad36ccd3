import { CommandError } from "@pulumi/pulumi/automation/index.js";
import { OperationError, type Failure } from "./error.ts";
import type { EventCollector } from "./events.ts";
import { hintFor } from "./hints.ts";
import { stripMarkup } from "./markup.ts";
import { nodeFailure } from "./node-failure.ts";
import { policyFailure } from "./policy-failure.ts";

/**
 * What made a run fail, as far as it can be told: mandatory policies first, since they are why nothing was done; then
 * what nodes reported about themselves; then known texts of the engine and its providers; else the engine's own words.
 * Without the error as its cause: that one carries everything the engine printed, outputs with secrets too.
 */
export function runFailure(error: unknown, events: EventCollector): unknown {
  if (error instanceof OperationError) return error;
  const violations = events.violations.filter(({ level }) => level === "mandatory").map(policyFailure);
  const causes = violations.length > 0 ? violations : unique(events.diagnostics.filter(isCause).flatMap(diagnosed));
  const [first, ...others] = causes;
  if (first !== undefined) return new OperationError([first, ...others]);
  // a mistake of ours is not dressed up as a failure of the run
  if (!(error instanceof CommandError)) return error;
  return new OperationError([
    engineFailure(/\n stderr: ([\s\S]*?)\n err\?: /.exec(error.message)?.[1] ?? error.message),
  ]);
}

/** What else was under way when the run ended says so, and nothing about why. */
function isCause({ message }: EventCollector["diagnostics"][number]): boolean {
  return !message.trimEnd().endsWith("context canceled");
}

function diagnosed({ severity, resource, message }: EventCollector["diagnostics"][number]): Failure[] {
  return severity === "error" ? [describe(resource, message)] : [];
}

function describe(resource: string | undefined, text: string): Failure {
  const known = nodeFailure(text) ?? programFailure(resource, text) ?? hintFor(text);
  const failure = known ?? {
    code: "engine",
    message: text,
    fix: "read the message above; running the same command again continues where it can",
  };
  return resource === undefined ? failure : { ...failure, resource };
}

/** How the engine reports what a resource hook throws. */
const HOOK = /^[^]*\bbefore hook "[^"]+" failed:/;

/** An error of the program, or of a hook on its resources, that says what to do: something in the fleet can't be used. */
function programFailure(resource: string | undefined, text: string): Failure | undefined {
  if (resource !== undefined && !HOOK.test(text)) return undefined;
  const [, message, fix] = /^([^]+)\n {2}fix: ([^]+)$/.exec(text.replace(HOOK, "")) ?? [];
  return message === undefined || fix === undefined
    ? undefined
    : { code: "input", message: message.trim(), fix: fix.trim() };
}

/** The engine repeats an error in shorter words; the longer ones stay. */
function unique(failures: readonly Failure[]): Failure[] {
  return failures.filter(
    ({ resource, message }, index) =>
      !failures.some(
        (other, at) =>
          at !== index &&
          other.resource === resource &&
          other.message.includes(message) &&
          (other.message !== message || at < index),
      ),
  );
}

/** What the engine's stderr tells: its error lines, else its first line. */
export function engineFailure(stderr: string): Failure {
  const text = stripMarkup(stderr).trim();
  const errors = text.split("\n").filter((line) => line.startsWith("error: "));
  const words = errors.length > 0 ? errors.join("\n") : text.split("\n", 1)[0];
  return describe(undefined, words === undefined || words === "" ? "the engine failed without a message" : words);
}
