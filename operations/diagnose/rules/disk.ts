import type { Finding, Rule } from "../finding.ts";

const AGAIN = "apply the gateway again: `pulumi up --replace` with the URN of GATEWAY-gateway";

const isOwner = (problem: string): boolean => problem.startsWith("belongs to");

export const invalidConfig: Rule = ({ node }) => {
  const { config, unit, files } = node.gateway;
  // one of somebody else's can't be read, let alone be valid: its owner is what is wrong
  const foreign = files.some(({ path, problems }) => path.endsWith("/openclaw.json") && problems.some(isOwner));
  if (config?.valid !== false || foreign) return [];
  const running = unit?.active === "active" ? ["the running process has not read it yet: the next start fails"] : [];
  return [
    {
      layer: "config or disk",
      code: "config-invalid",
      confidence: "high",
      evidence: ["openclaw.json is not valid", ...config.issues, ...running],
      nextStep: AGAIN,
    },
  ];
};

/** Modes, owners and links of what the gateway stands on. */
export const looseFiles: Rule = ({ node }, commands) => {
  const evidence = node.gateway.files.flatMap(({ path, problems }) => problems.map((problem) => `${path} ${problem}`));
  return evidence.length === 0
    ? []
    : [
        {
          layer: "config or disk",
          code: "files",
          confidence: "high",
          evidence,
          firstCommand: commands.files,
          nextStep: commands.mendFiles,
        },
      ];
};

/** Live files against the generation, and the generation against the stack. */
export const drift: Rule = ({ node, expected }, commands) => {
  const { generation, files, unit, unreadDropIns } = node.gateway;
  if (generation === null) return [];
  const found: Finding[] = [];
  if (generation.live !== expected.generation || !generation.complete) {
    found.push({
      layer: "config or disk",
      code: "another-generation",
      confidence: "high",
      evidence: [
        `the generation ${generation.live ?? "(none)"} is live${generation.complete ? "" : " and not complete"}, the stack expects ${expected.generation}`,
      ],
      nextStep:
        "`gatehouse record show` says whether it was a rollback: bring the fleet back to it, or run `gatehouse up --refresh` to go forward; docs/how-to/when-up-fails.md says how else a generation is taken back",
    });
  }
  const edits = generation.edits.filter(({ changed }) => changed);
  if (edits.length > 0) {
    const unread = files.filter(
      ({ newerThanProcess, path }) => newerThanProcess === true && /\.(json|env|service)$/.test(path),
    );
    found.push({
      layer: "config or disk",
      code: "edited",
      confidence: "high",
      evidence: [
        ...edits.map(({ what, likely }) => `edited since the switch: ${what}, likely by ${likely}`),
        ...unread.map(({ path }) => `${path} is newer than the running process, which never read it`),
      ],
      nextStep: `${AGAIN}; or put the edit into the fleet and run \`gatehouse up\``,
    });
  }
  if (unit !== null && unit.dropIns.length > 0) {
    found.push({
      layer: "config or disk",
      code: "drop-in",
      confidence: "high",
      evidence: unit.dropIns.map((path) => `drop-in ${path} changes the unit`),
      firstCommand: commands.definition,
      nextStep: commands.unshadow,
    });
  }
  if (unit?.needsReload === true || unreadDropIns.length > 0) {
    found.push({
      layer: "config or disk",
      code: "needs-reload",
      confidence: "high",
      evidence: [
        "a file of the unit was edited, and the manager has not read it",
        ...unreadDropIns.map((path) => `drop-in ${path}`),
      ],
      firstCommand: commands.definition,
      nextStep: AGAIN,
    });
  }
  return found;
};

/** A `.env` names what the unit already gives: the unit wins, the command line on the node does not see the unit's. */
export const dotenv: Rule = ({ node }) => {
  const named = node.gateway.variables.filter(({ sources }) => sources.dotenv !== "missing");
  return named.length === 0
    ? []
    : [
        {
          layer: "config or disk",
          code: "dotenv",
          confidence: "medium",
          evidence: named.map(
            ({ variable, sources }) => `.env of the state directory sets ${variable} (${sources.dotenv})`,
          ),
          firstCommand: "ls -l ~/.openclaw/.env",
          nextStep: "take these lines out of .env: the unit's environment file is the declared place",
        },
      ];
};

/** The vendor finds fault with the service definition. */
export const unitAudit: Rule = ({ node }) => {
  const { gatewayStatus } = node.gateway;
  // what it says of a unit that it does not look for is about none of ours
  const issues = gatewayStatus?.seesService === true ? (gatewayStatus.auditIssues ?? []) : [];
  return issues.length === 0
    ? []
    : [
        {
          layer: "config or disk",
          code: "unit-audit",
          confidence: "medium",
          evidence: issues.map((issue) => `service audit: ${issue}`),
          firstCommand: "openclaw gateway status",
          nextStep: AGAIN,
        },
      ];
};
