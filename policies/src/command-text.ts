import { keysAt, read, type Findings } from "./read.ts";

/** Types whose inputs are command lines of somebody's own. */
const COMMANDS: ReadonlySet<string> = new Set(["command:remote:Command", "command:local:Command"]);

const TEXTS = ["create", "update", "delete"] as const;

export interface ForbiddenCommand {
  readonly pattern: RegExp;
  readonly problem: string;
}

/** Finds forbidden commands in the texts of a command resource; a text that is not known at preview is a problem. */
export function refuseCommands(
  found: Findings,
  { type, props }: { readonly type: string; readonly props: unknown },
  forbidden: readonly ForbiddenCommand[],
): void {
  if (!COMMANDS.has(type)) return;
  const present = keysAt(props);
  for (const field of TEXTS.filter((one) => present.includes(one))) {
    const text = read(props, field);
    if (text.state === "unknown") found.add(`${field} is unknown at preview`);
    if (text.state !== "known" || typeof text.value !== "string") continue;
    const line = text.value;
    for (const { pattern, problem } of forbidden) if (pattern.test(line)) found.add(`${field} ${problem}`);
  }
}
