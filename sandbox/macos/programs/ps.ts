import { runLinux } from "./linux.ts";
import { failed, type Output } from "./output.ts";

/** Options of ps(1) of macOS that take a value. */
const VALUED = /^-[a-zA-Z]*[opuUGgtO]$/;

/**
 * Stand-in for ps: `-E` shows the environment, and `comm` is the whole path of the program, as on macOS; the rest is left
 * to procps. Source: man ps of macOS. The environment is shown to root and to the process's own user.
 */
export function ps(argv: readonly string[]): Output {
  if (argv.some((word) => word.startsWith("--"))) return failed(1, "ps: illegal option -- -\nusage: ps [-AaCcEefhjlMmrSTvwXx] [-O fmt | -o fmt]\n"); // prettier-ignore
  const args: string[] = [];
  let environment = false;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    const kept = word.startsWith("-") ? word.replaceAll("E", "") : word;
    environment ||= kept !== word;
    if (kept !== "-" && kept !== "") args.push(kept);
    if (!VALUED.test(kept)) continue;
    const value = argv[(index += 1)] ?? "";
    args.push(kept.endsWith("o") ? value.replaceAll(/(^|,)comm(?==|,|$)/g, "$1exe") : value);
  }
  const output = runLinux("ps", environment ? ["e", ...args] : args);
  // the served Node is started by a launcher of this name (node-archive.ts)
  return { ...output, stdout: String(output.stdout).replaceAll(/\/libexec\/node$/gm, "/bin/node") };
}
