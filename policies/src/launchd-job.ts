import { keysAt, read, textAt, textsAt } from "./read.ts";
import type { Unit } from "./unit.ts";

const WRAPPER = /-env-wrapper\.sh$/;

/**
 * A launchd job in the words of a unit, so that one rule judges both: what starts, from which file its secrets come, when
 * it starts and starts again, and the two limits that launchd has.
 */
export function launchdUnit(job: unknown): Unit {
  const valueAt = (...path: readonly string[]): unknown => {
    const found = read(job, ...path);
    return found.state === "known" ? found.value : undefined;
  };
  const words = textsAt(job, "ProgramArguments");
  const wrapped = words[0] === "/bin/sh" && WRAPPER.test(words[1] ?? "");
  const umask = valueAt("Umask");
  const core = valueAt("HardResourceLimits", "Core");
  const directives: Readonly<Record<string, readonly string[]>> = {
    ExecStart: words.length === 0 ? [] : [words.slice(wrapped ? 3 : 0).join(" ")],
    EnvironmentFile: wrapped ? words.slice(2, 3) : [],
    WantedBy: valueAt("RunAtLoad") === true ? ["default.target"] : [],
    Restart: valueAt("KeepAlive") === true ? ["always"] : [],
    UMask: typeof umask === "number" ? [umask.toString(8).padStart(4, "0")] : [],
    LimitCORE: typeof core === "number" ? [String(core)] : [],
  };
  return {
    values: (directive) => directives[directive] ?? [],
    variable: (name) => textAt(job, "EnvironmentVariables", name),
    variables: keysAt(job, "EnvironmentVariables"),
    has: (directive) => Object.hasOwn(directives, directive),
  };
}
