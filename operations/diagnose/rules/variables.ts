import type { VariableEvidence } from "../../../node/diagnose/evidence.ts";
import type { Finding, Rule, Seen } from "../finding.ts";
import type { ServiceCommands } from "../service-commands.ts";

const WINNERS = ["unit", "manager"] as const;

interface Fault {
  readonly code: string;
  readonly text: string;
  readonly nextStep?: string;
}

const AGAIN = "apply the gateway again: `pulumi up --replace` with the URN of GATEWAY-gateway";

/** Another credential of the same gateway is where this one should be. */
function mixedUp({ variable, valueOf, sources }: VariableEvidence): Fault | undefined {
  if (valueOf === null) return undefined;
  const where = sources.process === null ? "the file that carries it" : "the process";
  return {
    code: "of-another",
    text: `${variable} has the value of ${valueOf} in ${where}`,
    nextStep: `${AGAIN}; if another agent's key was used, its owner decides whether it is rotated`,
  };
}

/** What is wrong with one variable, the process being what counts; undefined when nothing is. */
function faultOf(
  { variable, carrier, sources, overriddenBy }: VariableEvidence,
  commands: ServiceCommands,
): Fault | undefined {
  const { environmentFile: file, process: running } = sources;
  if (overriddenBy !== null && running !== "same" && running !== "set") {
    return {
      code: "shadowed",
      text: `${variable} is ${running ?? "not to be seen"} in the process: ${overriddenBy} of the unit or of a drop-in wins over the ${carrier}`,
      nextStep: commands.unshadow,
    };
  }
  const elsewhere = WINNERS.filter((source) => sources[source] === "different" || sources[source] === "empty");
  if (running === null) {
    // nothing runs, or it can't be read: only the file tells what a start would get
    if (file === "missing" || file === "empty" || file === "different") {
      return { code: file, text: `${variable} is ${file} in the ${carrier}`, nextStep: AGAIN };
    }
    return undefined;
  }
  if (running === "same" || running === "set") {
    if (file === "same" || file === "set" || running === "set") return undefined;
    return {
      code: "not-restarted",
      text: `${variable} is ${file} in the ${carrier}, and the running process still has the delivered value: the file was edited after the start`,
      nextStep: AGAIN,
    };
  }
  if (elsewhere.length > 0) {
    return {
      code: "shadowed",
      text: `${variable} is ${running} in the process; another value comes from the ${elsewhere.join(" and the ")}'s environment`,
      nextStep: commands.otherValue,
    };
  }
  if (file === "same") {
    return {
      code: "stale-process",
      text: `${variable} is ${running} in the process, although the ${carrier} has the delivered value: the process was started with what was there before`,
      nextStep: commands.restartStep,
    };
  }
  return {
    code: running,
    text: `${variable} is ${running} in the process and ${file} in the ${carrier}`,
    nextStep: AGAIN,
  };
}

/** The manifest's fingerprints against those of the stack. */
function fingerprintFault({ variable, fingerprint }: VariableEvidence, { node, expected }: Seen): Fault | undefined {
  const live = node.gateway.generation?.live ?? expected.generation;
  // another generation has the values of its own time: it is the cause, and told as such
  if (live !== expected.generation) return undefined;
  const wanted = expected.fingerprints[variable];
  if (wanted === undefined || wanted === null || wanted === fingerprint) return undefined;
  return {
    code: "another-value-delivered",
    text: `${variable} was delivered with fingerprint ${fingerprint ?? "(none)"}, the stack expects ${wanted}`,
    nextStep: "run `gatehouse up --refresh`",
  };
}

function findings(track: VariableEvidence["track"], seen: Seen, commands: ServiceCommands): Finding[] {
  return seen.node.gateway.variables
    .filter((variable) => variable.track === track)
    .flatMap((variable) => {
      const fault = mixedUp(variable) ?? faultOf(variable, commands) ?? fingerprintFault(variable, seen);
      if (fault === undefined) return [];
      const whose = variable.agent === null ? "" : `agent ${variable.agent}: `;
      return [
        {
          layer: track === "gateway" ? "gateway session" : "provider credential",
          code: `${track === "gateway" ? "token" : "key"}-${fault.code}`,
          confidence: "high",
          evidence: [`${whose}${fault.text}`, ...dropIns(seen)],
          ...(variable.agent !== null &&
            variable.provider !== null && { agent: variable.agent, provider: variable.provider }),
          ...(fault.nextStep !== undefined && { nextStep: fault.nextStep }),
        } as const,
      ];
    });
}

function dropIns({ node }: Seen): string[] {
  return (node.gateway.unit?.dropIns ?? []).map((path) => `drop-in ${path}`);
}

/** A token that is written into the configuration beats every variable. */
function tokenInConfiguration({ node }: Seen): Finding[] {
  const token = node.gateway.configToken;
  if (token?.kind !== "value") return [];
  return [
    {
      layer: "gateway session",
      code: "token-in-configuration",
      confidence: "high",
      evidence: [
        `openclaw.json has a token of its own (${token.masked}, ${token.state}) where the declared one refers to the environment`,
      ],
      nextStep: AGAIN,
    },
  ];
}

export const tokenVariables: Rule = (seen, commands) => [
  ...findings("gateway", seen, commands),
  ...tokenInConfiguration(seen),
];
export const keyVariables: Rule = (seen, commands) => findings("provider", seen, commands);
