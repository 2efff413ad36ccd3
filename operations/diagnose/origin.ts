import type { VariableEvidence, VariableSources } from "../../node/diagnose/evidence.ts";
import type { ServiceCommands } from "./service-commands.ts";

/** The order in which a service's variable is decided, the winner first. */
const PRECEDENCE = ["otherFile", "environmentFile", "unit", "manager", "dotenv"] as const satisfies readonly Exclude<
  keyof VariableSources,
  "process"
>[];
type Source = (typeof PRECEDENCE)[number];

export interface Origin {
  /** Which source wins at the next start; null when none has the variable. */
  readonly winner: string | null;
  /** Sources that have it, too, and lose. */
  readonly shadowed: readonly string[];
}

/** Which of its sources gives a variable its value, and which are shadowed. Pure. */
export function originOf(
  { carrier, sources, overriddenBy }: VariableEvidence,
  { ownVariables }: Pick<ServiceCommands, "ownVariables">,
): Origin {
  const words: Readonly<Record<Source, string>> = {
    otherFile: overriddenBy ?? "another environment file",
    environmentFile: carrier,
    unit: ownVariables,
    manager: "the manager's environment",
    dotenv: ".env",
  };
  // OpenClaw reads a key file itself: no variable comes before it
  const order = carrier === "key file" ? (["environmentFile"] as const) : PRECEDENCE;
  const [winner, ...shadowed] = order.filter((source) => sources[source] !== "missing").map((source) => words[source]);
  return { winner: winner ?? null, shadowed };
}
