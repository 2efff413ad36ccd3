import type { Rule } from "../finding.ts";

/** Another Node than the pinned one serves, or would serve. */
export const wrongRuntime: Rule = ({ node }) => {
  const identities = node.gateway.identities ?? [];
  const serving = identities.filter(({ who, pinned }) => who === "serving" && !pinned);
  const [first] = identities.filter(({ who, program }) => who === "unit" && program === "node");
  const evidence = [
    ...serving.map(
      ({ path, version }) => `the serving process runs ${path} (${version ?? "unknown version"}), not the pinned Node`,
    ),
    ...(first === undefined || first.pinned
      ? []
      : [`the first node on the unit's PATH is ${first.path} (${first.version ?? "unknown version"})`]),
  ];
  return evidence.length === 0 ? [] : [{ layer: "dual identity", code: "another-node", confidence: "high", evidence }];
};

/** A process of the gateway's user that is not the unit's has the port. */
export const strayGateway: Rule = ({ node }, commands) => {
  const { unit } = node.gateway;
  if (unit === null || node.listener !== "own" || unit.active === "active") return [];
  return [
    {
      layer: "dual identity",
      code: "stray-gateway",
      confidence: "high",
      evidence: [`the unit is ${unit.active}, and a process of the same user listens on the gateway's port`],
      firstCommand: commands.listeners,
      nextStep: `end that process, then ${commands.startAgain}`,
    },
  ];
};

/** Node versions that OpenClaw runs on (facts: openclaw.md 8). */
function isSupported(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;
}

const SHELLS = ["login shell", "sudo", "operator"] as const;

/** Whoever types `node` or runs a script at the machine gets one that OpenClaw does not run on. */
export const shellRuntime: Rule = ({ node }) => {
  const identities = node.gateway.identities ?? [];
  const evidence = SHELLS.flatMap((shell) => {
    const first = identities.find(({ who, program }) => who === shell && program === "node");
    if (first === undefined || first.pinned || isSupported(first.version)) return [];
    return [
      `${shell}: the first node is ${first.path} (${first.version ?? "unknown version"}), which OpenClaw refuses`,
    ];
  });
  return evidence.length === 0 ? [] : [{ layer: "dual identity", code: "shell-node", confidence: "medium", evidence }];
};

/** A second OpenClaw that a shell would run; or a second service of the vendor's. */
export const secondOpenclaw: Rule = ({ node }) => {
  const { identities, gatewayStatus } = node.gateway;
  const extra = gatewayStatus?.extraServices ?? 0;
  const evidence = [
    ...(identities ?? [])
      .filter(({ program, pinned }) => program === "openclaw" && !pinned)
      .map(({ who, path, version }) => `${who} would run ${path} (${version ?? "unknown version"})`),
    ...(extra > 0 ? [`openclaw gateway status names ${extra} more gateway service(s)`] : []),
  ];
  return evidence.length === 0
    ? []
    : [{ layer: "dual identity", code: "second-openclaw", confidence: "medium", evidence }];
};
