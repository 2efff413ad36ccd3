import type { AgentModelsEvidence, VariableEvidence } from "../../../node/diagnose/evidence.ts";
import type { Finding, Rule } from "../finding.ts";

/** `models status --check`: 0 usable, 2 usable but expiring (facts: openclaw.md 3). */
const USABLE: ReadonlySet<number | null> = new Set([0, 2]);

/** Reasons to rest that say something about the key, and not about how much it was used. */
const ABOUT_THE_KEY = /^(auth|auth_permanent|expired|revoked|invalid)/;

/** OpenClaw lets a profile rest after a failure; only some failures are the key's. */
function restingProfiles(agent: string, unusable: AgentModelsEvidence["unusable"]): Finding | undefined {
  const [first] = unusable;
  if (first === undefined) return undefined;
  const words = unusable.map(
    ({ profile, kind, reason, until }) => `${profile}: ${kind}, ${reason}${until === null ? "" : `, until ${until}`}`,
  );
  const provider = first.profile.split(":")[0];
  const common = {
    layer: "provider credential",
    confidence: "high",
    agent,
    ...(provider !== undefined && provider !== "" && { provider }),
  } as const;
  if (unusable.some(({ reason }) => ABOUT_THE_KEY.test(reason))) {
    return {
      ...common,
      code: "key-refused",
      evidence: [`agent ${agent}: the provider refused its key, and OpenClaw lets it rest (${words.join("; ")})`],
      nextStep:
        "put a working key behind the reference, then `gatehouse rotate GATEWAY --agent AGENT --provider PROVIDER`",
    };
  }
  return {
    ...common,
    code: "key-resting",
    evidence: [`agent ${agent}: OpenClaw lets its key rest, the provider did not refuse it (${words.join("; ")})`],
    nextStep:
      "wait for the end named above, or raise the limit or the credit at the provider; the key is good and stays as it is",
  };
}

function agentFinding({ agent, missing, issues, unusable, status }: AgentModelsEvidence): Finding | undefined {
  // without a status the command did not end: a missing value, no finding
  if (USABLE.has(status) || status === null) return undefined;
  const resting = restingProfiles(agent, unusable);
  if (resting !== undefined) return resting;
  return {
    layer: "provider credential",
    code: missing.length > 0 ? "key-missing" : "key-unusable",
    agent,
    ...(missing[0] !== undefined && { provider: missing[0] }),
    confidence: missing.length > 0 ? "high" : "medium",
    evidence: [
      ...(missing.length > 0 ? [`agent ${agent}: no usable key for ${missing.join(", ")}`] : []),
      ...issues.map((issue) => `agent ${agent}: ${issue}`),
      ...(missing.length + issues.length === 0 ? [`agent ${agent}: models status ends with ${status}`] : []),
    ],
  };
}

/** Nothing but that OpenClaw's command line confirms no key from a file (measured, 2026.9.6). */
export function unconfirmable(
  { agent, missing, unusable, kinds }: AgentModelsEvidence,
  variables: readonly VariableEvidence[],
): boolean {
  return (
    variables.some((variable) => variable.agent === agent && variable.carrier === "key file") &&
    missing.length + unusable.length === 0 &&
    kinds.length > 0 &&
    kinds.every((kind) => kind === "indeterminate")
  );
}

/** The vendor's own view of each agent's credential. */
export const agentModels: Rule = ({ node }) =>
  node.gateway.models.flatMap((models) => {
    if (unconfirmable(models, node.gateway.variables)) return [];
    const finding = agentFinding(models);
    return finding === undefined ? [] : [finding];
  });

/** An agent's profile takes its key from a variable that was delivered for somebody else. */
export const wrongProfile: Rule = ({ node, expected }) => {
  const { models, variables } = node.gateway;
  return models.flatMap(({ agent, profiles }) =>
    profiles.flatMap((label): Finding[] => {
      const name = /=ref\(\w+:([A-Z][A-Z0-9_]*)\)$/.exec(label)?.[1];
      const owner = variables.find(({ variable }) => variable === name);
      if (name === undefined || owner?.agent === agent) return [];
      // it should be there and could not be looked at: a missing value, no finding
      if (owner === undefined && name in expected.fingerprints) return [];
      const whose = owner === undefined ? "of nobody in this gateway" : `of ${owner.agent ?? "the gateway"}`;
      return [
        {
          layer: "provider credential",
          code: "key-of-another-agent",
          confidence: "high",
          agent,
          evidence: [`agent ${agent}: its profile ${label} takes ${name}, which is ${whose}`],
          nextStep: "apply the agent again: `pulumi up --replace` with the URN of GATEWAY/AGENT-agent",
        },
      ];
    }),
  );
};

/** Refusals that the running process has logged: a refused key rests for minutes only, and looks usable after that. */
export const refusedLately: Rule = ({ node, frozen }, commands) => {
  const resting = new Set(node.gateway.models.flatMap(({ unusable }) => unusable.map(({ profile }) => profile)));
  return (node.gateway.log?.refusals ?? []).flatMap(({ profile, reason, count }): Finding[] => {
    const [provider, agent] = profile?.split(":") ?? [];
    const told = profile !== null && resting.has(profile);
    if (!ABOUT_THE_KEY.test(reason) || told || (frozen.agent !== null && agent !== undefined && agent !== frozen.agent))
      return [];
    return [
      {
        layer: "provider credential",
        code: "key-refused",
        confidence: "medium",
        ...(agent !== undefined && { agent }),
        ...(provider !== undefined && { provider }),
        evidence: [
          `${agent === undefined ? "an agent" : `agent ${agent}`}: the provider refused its key ${count} time(s) since the gateway's start (${reason})`,
        ],
        nextStep: `if that was before the key was mended, ${commands.restart} and ask again; else put a working key behind the reference, then \`gatehouse rotate GATEWAY --agent AGENT --provider PROVIDER\``,
      },
    ];
  });
};

const ABOUT_SECRETS = /secret|credential/i;

/** Secrets that the running gateway could not resolve when it started. */
export const degradedSecrets: Rule = ({ node }) => {
  const evidence = (node.gateway.lint?.findings ?? []).filter((text) => ABOUT_SECRETS.test(text));
  return evidence.length === 0
    ? []
    : [{ layer: "provider credential", code: "secret-degraded", confidence: "medium", evidence }];
};

/** Whatever else the vendor's doctor finds: surely something, but not of which layer. */
export const doctorFindings: Rule = ({ node }) => {
  const evidence = (node.gateway.lint?.findings ?? []).filter((text) => !ABOUT_SECRETS.test(text));
  return evidence.length === 0 ? [] : [{ layer: "gateway session", code: "doctor", confidence: "low", evidence }];
};

/** A key of no agent: any agent could use it, and it hides that one has none. */
export const ambientKey: Rule = ({ node }, commands) =>
  node.gateway.ambient.map(({ variable, where }) => ({
    layer: "provider credential",
    code: "ambient-key",
    confidence: where === "process" ? "high" : "medium",
    evidence: [
      `${variable} is set in the ${where === "dotenv" ? ".env of the state directory" : where}: a key of no agent`,
    ],
    nextStep: `take it out of there and ${where === "unit" ? commands.reload : commands.restart}; each agent has a variable of its own`,
  }));
