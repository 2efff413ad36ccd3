import type { AgentModelsEvidence, VariableEvidence } from "../../../node/diagnose/evidence.ts";
import type { Finding, Rule } from "../finding.ts";

/** `models status --check`: 0 usable, 2 usable but expiring (facts: openclaw.md 3). */
const USABLE: ReadonlySet<number | null> = new Set([0, 2]);

function agentFinding({ agent, missing, issues, unusable, status }: AgentModelsEvidence): Finding | undefined {
  // without a status the command did not end: a missing value, no finding
  if (USABLE.has(status) || status === null) return undefined;
  const refused = unusable.filter((text) => /^cooldown/.test(text));
  if (refused.length > 0) {
    return {
      layer: "provider credential",
      code: "key-refused",
      confidence: "high",
      agent,
      evidence: [`agent ${agent}: OpenClaw waits after the provider refused its key (${refused.join(", ")})`],
      nextStep: `put a working key behind the reference, then \`gatehouse rotate GATEWAY --agent AGENT --provider PROVIDER\``,
    };
  }
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
export const ambientKey: Rule = ({ node }) =>
  node.gateway.ambient.map(({ variable, where }) => ({
    layer: "provider credential",
    code: "ambient-key",
    confidence: where === "process" ? "high" : "medium",
    evidence: [
      `${variable} is set in the ${where === "dotenv" ? ".env of the state directory" : where}: a key of no agent`,
    ],
    nextStep: "take it out of there and restart the unit; each agent has a variable of its own",
  }));
