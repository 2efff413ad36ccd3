import { isUnreachable } from "../visit/connect.ts";
import type { Evidence } from "./evidence.ts";
import type { Confidence, Finding, Rule, Seen } from "./finding.ts";
import { missingValues } from "./missing.ts";
import { guardedElsewhere, guardedHome, localNetwork } from "./rules/consent.ts";
import { dotenv, drift, invalidConfig, looseFiles, unitAudit } from "./rules/disk.ts";
import { machineFindings, portTaken, slowFaults } from "./rules/host.ts";
import { launchdDisabled, launchdNoSession, launchdRefused } from "./rules/launchd.ts";
import { secondOpenclaw, shellRuntime, strayGateway, wrongRuntime } from "./rules/identity.ts";
import {
  agentModels,
  ambientKey,
  degradedSecrets,
  doctorFindings,
  refusedLately,
  wrongProfile,
} from "./rules/provider.ts";
import { authorizationStripped, hostRewritten, plainHttp, proxyHidesClient, routeDevice } from "./rules/route-trust.ts";
import { routeWire } from "./rules/route-wire.ts";
import { clientToken, notServing, sessionRefused, unitDown } from "./rules/session.ts";
import { tailscale } from "./rules/tailscale.ts";
import { certificate, tunnel } from "./rules/tunnel.ts";
import { keyVariables, tokenVariables } from "./rules/variables.ts";
import { serviceCommands, type ServiceCommands } from "./service-commands.ts";
import { decisionTable } from "./table.ts";
import type { VerdictName } from "./table.ts";

export interface Verdict {
  readonly verdict: VerdictName;
  /** Stable, for programs; `healthy` and `undecided` for these two. */
  readonly code: string;
  readonly confidence: Confidence;
  readonly evidence: readonly string[];
  /** Whose credential it is about; null where it is about none, or several. */
  readonly agent: string | null;
  readonly provider: string | null;
  readonly firstCommand: string | null;
  readonly nextStep: string | null;
  readonly doNot: readonly string[];
  /** What else is not as it should be: consequences of the first, or the next thing to look at. */
  readonly also: readonly Pick<Finding, "layer" | "code" | "evidence">[];
  /** What could not be found out; with any of it the verdict is never `healthy`. */
  readonly missing: readonly string[];
}

/**
 * Causes before consequences: the first rule that finds something decides. Variables come before what the vendor says
 * about them, whatever stops a start before the stopped unit, and what only hurts at the next boot last.
 */
const RULES: readonly Rule[] = [
  portTaken,
  guardedHome,
  invalidConfig,
  tokenVariables,
  wrongRuntime,
  keyVariables,
  wrongProfile,
  sessionRefused,
  strayGateway,
  ambientKey,
  looseFiles,
  drift,
  launchdNoSession,
  launchdDisabled,
  launchdRefused,
  unitDown,
  notServing,
  agentModels,
  degradedSecrets,
  certificate,
  tunnel,
  routeWire,
  proxyHidesClient,
  authorizationStripped,
  tailscale,
  routeDevice,
  clientToken,
  hostRewritten,
  plainHttp,
  dotenv,
  unitAudit,
  secondOpenclaw,
  shellRuntime,
  refusedLately,
  guardedElsewhere,
  localNetwork,
  doctorFindings,
  slowFaults,
];

/** Which layer failed, on what evidence, and what to run next. Pure: the same evidence gives the same verdict. */
export function verdictOf(evidence: Evidence): Verdict {
  const { node } = evidence;
  if (isUnreachable(node)) return unreachable(evidence, node);
  const commands = serviceCommands(node.platform, evidence.expected.startsAt);
  const missing = missingValues(evidence);
  const seen = isSeen(evidence) ? evidence : undefined;
  const findings = [
    ...machineFindings(node, commands),
    ...(seen === undefined ? [] : RULES.flatMap((rule) => rule(seen, commands))),
  ];
  const [first, ...others] = findings;
  if (first !== undefined) return failed(first, others, { missing, commands });
  const { symptom, symptomClass } = evidence.frozen;
  if (missing.length === 0 && symptomClass === "none") {
    return {
      verdict: "healthy",
      code: "healthy",
      confidence: "high",
      evidence: ["the gateway serves what the stack declares, and every agent can use its model"],
      agent: null,
      provider: null,
      firstCommand: null,
      nextStep: null,
      doNot: [],
      also: [],
      missing,
    };
  }
  return undecided(
    { missing, commands },
    missing.length > 0
      ? ["nothing wrong was found, but not everything could be looked at"]
      : [`nothing wrong was found on the node, through the tunnel or in this client: ${symptom ?? ""}`],
  );
}

function isSeen(evidence: Evidence): evidence is Seen {
  return !isUnreachable(evidence.node) && evidence.node.gateway !== null;
}

/** What every verdict is made with. */
interface Context {
  readonly missing: readonly string[];
  readonly commands: ServiceCommands;
}

function failed(first: Finding, others: readonly Finding[], { missing, commands }: Context): Verdict {
  const row = decisionTable(commands)[first.layer];
  return {
    verdict: first.layer,
    code: first.code,
    confidence: first.confidence,
    evidence: first.evidence,
    agent: first.agent ?? null,
    provider: first.provider ?? null,
    firstCommand: first.firstCommand ?? row.firstCommand,
    nextStep: first.nextStep ?? row.nextStep,
    doNot: row.doNot,
    also: others.map(({ layer, code, evidence }) => ({ layer, code, evidence })),
    missing,
  };
}

function undecided({ missing, commands }: Context, evidence: readonly string[]): Verdict {
  const { firstCommand, nextStep, doNot } = decisionTable(commands).undecided;
  const step =
    missing.length > 0 ? nextStep : "run the failing command again and note its client: host, user, time, exact text";
  return {
    verdict: "undecided",
    code: "undecided",
    confidence: "low",
    evidence,
    agent: null,
    provider: null,
    firstCommand,
    nextStep: step,
    doNot,
    also: [],
    missing,
  };
}

function unreachable({ frozen, expected }: Evidence, node: Extract<Evidence["node"], { kind: string }>): Verdict {
  const context = { missing: ["the node"], commands: serviceCommands(expected.platform, expected.startsAt) };
  if (node.kind === "host key") {
    return failed(
      {
        layer: "tunnel or proxy",
        code: "another-host-key",
        confidence: "high",
        evidence: [node.message],
        firstCommand: `ssh-keyscan -t ed25519 HOST`,
        nextStep: node.fix,
      },
      [],
      context,
    );
  }
  const hints = node.kind === "no connection" ? context.commands.unreachable : [];
  return undecided(context, [`node ${frozen.node}: ${node.message}`, ...hints]);
}
