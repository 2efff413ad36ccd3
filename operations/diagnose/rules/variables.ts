import type { VariableEvidence } from "../../../node/diagnose/evidence.ts";
import type { Finding, Rule, Seen } from "../finding.ts";

const WINNERS = ["unit", "manager"] as const;

interface Fault {
  readonly code: string;
  readonly text: string;
  readonly nextStep?: string;
}

const AGAIN = "apply the gateway again: `pulumi up --replace` with the URN of GATEWAY-gateway";
const RESTART = "restart the unit: `systemctl --user restart UNIT` as USER";

/** What is wrong with one variable, the process being what counts; undefined when nothing is. */
function faultOf({ variable, carrier, sources }: VariableEvidence): Fault | undefined {
  const { environmentFile: file, process: running } = sources;
  const elsewhere = WINNERS.filter((source) => sources[source] === "different" || sources[source] === "empty");
  if (running === null) {
    // nothing runs, or it can't be read: only the file tells what a start would get
    if (file === "missing" || file === "empty" || file === "different") {
      return { code: `file-${file}`, text: `${variable} is ${file} in the ${carrier}`, nextStep: AGAIN };
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
      nextStep:
        "take it out of there (drop-in, environment.d, `systemctl --user set-environment`), then restart the unit",
    };
  }
  if (file === "same") {
    return {
      code: "stale-process",
      text: `${variable} is ${running} in the process, although the ${carrier} has the delivered value: the process is older, or a drop-in names another file`,
      nextStep: RESTART,
    };
  }
  return {
    code: `process-${running}`,
    text: `${variable} is ${running} in the process and ${file} in the ${carrier}`,
    nextStep: AGAIN,
  };
}

/** The manifest's fingerprints against those of the stack. */
function fingerprintFault({ variable, fingerprint }: VariableEvidence, { expected }: Seen): Fault | undefined {
  const wanted = expected.fingerprints[variable];
  if (wanted === undefined || wanted === null || wanted === fingerprint) return undefined;
  return {
    code: "another-value-delivered",
    text: `${variable} was delivered with fingerprint ${fingerprint ?? "(none)"}, the stack expects ${wanted}`,
    nextStep: "run `gatehouse up`",
  };
}

function findings(track: VariableEvidence["track"], seen: Seen): Finding[] {
  return seen.node.gateway.variables
    .filter((variable) => variable.track === track)
    .flatMap((variable) => {
      const fault = faultOf(variable) ?? fingerprintFault(variable, seen);
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

export const tokenVariables: Rule = (seen) => findings("gateway", seen);
export const keyVariables: Rule = (seen) => findings("provider", seen);
