import type { Finding, Rule } from "../finding.ts";

const NO_MATTER_WHO =
  "macOS keeps Desktop, Documents, Downloads and removable or network volumes from programs that nobody has consented to, whatever owner and mode say";

const refusal = (path: string): string => `EPERM (operation not permitted): ${path}`;

/** The gateway's own files are where the system lets in only programs that somebody has consented to. */
export const guardedHome: Rule = ({ node }, { consent }) => {
  const { files, log, unit } = node.gateway;
  const own = files.filter(({ path }) => consent?.guarded.test(path) === true);
  const [example] = own;
  if (consent === null || example === undefined) return [];
  const refused = [
    ...(log?.refusedPaths ?? []).filter((path) => consent.guarded.test(path)),
    ...own.filter(({ problems }) => problems.includes("EPERM")).map(({ path }) => path),
  ];
  const lastEnd = unit?.active === "active" ? null : (unit?.launchd?.lastEnd ?? null);
  const refusedToStart = lastEnd?.startsWith("78") === true;
  if (refused.length === 0 && !refusedToStart) return [];
  return [
    {
      layer: "config or disk",
      code: "guarded-path",
      confidence: refused.length > 0 ? "high" : "medium",
      evidence: [
        ...[...new Set(refused)].map(refusal),
        ...(refusedToStart ? [`launchd: last exit ${lastEnd}`] : []),
        `the gateway's own files are in such a place: ${example.path}`,
        NO_MATTER_WHO,
      ],
      ...consent.folders,
    },
  ];
};

/** Something else of that kind, which an agent wanted: the gateway serves all the same. */
export const guardedElsewhere: Rule = ({ node }, { consent }) => {
  const { files, log } = node.gateway;
  const refused = (log?.refusedPaths ?? []).filter((path) => consent?.guarded.test(path) === true);
  // as told by the rule above
  if (consent === null || refused.length === 0 || files.some(({ path }) => consent.guarded.test(path))) return [];
  return [
    {
      layer: "config or disk",
      code: "guarded-path",
      confidence: "medium",
      evidence: [...refused.map(refusal), NO_MATTER_WHO],
      ...consent.folders,
    },
  ];
};

/** A host may be away for a moment: fewer are told only to somebody who asks about one. */
const MANY = 3;

/**
 * Hosts of its own network alone are out of reach. A host that is switched off looks the same, and so does a network that is
 * down: with a host elsewhere out of reach as well it is no matter of consent.
 */
export const localNetwork: Rule = ({ node, frozen }, { consent }): readonly Finding[] => {
  const { log, session } = node.gateway;
  const unreachable = log?.unreachable ?? [];
  const [first] = unreachable;
  if (consent === null || first === undefined || session.healthz !== "live") return [];
  if (unreachable.some(({ ownNetwork }) => !ownNetwork)) return [];
  const asked = /EHOSTUNREACH|no route to host/i.test(frozen.symptom ?? "");
  if (!asked && unreachable.reduce((total, { count }) => total + count, 0) < MANY) return [];
  const at = first.address.lastIndexOf(":");
  const { firstCommand, nextStep } = consent.localNetwork;
  return [
    {
      layer: "host",
      code: "local-network",
      confidence: "low",
      evidence: [
        ...unreachable.map(
          ({ address, count }) => `EHOSTUNREACH: ${address}, ${count} time(s) since the gateway's start`,
        ),
        "only hosts of the node's own network are out of reach: they are down, or macOS keeps the local network from the gateway",
      ],
      firstCommand: firstCommand(first.address.slice(0, at), first.address.slice(at + 1)),
      nextStep,
    },
  ];
};
