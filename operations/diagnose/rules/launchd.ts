import type { UnitEvidence } from "../../../node/diagnose/evidence.ts";
import type { Rule } from "../finding.ts";

/** What launchd says of the job, in its own words; nothing where another manager has the unit. */
export function launchdWords({ launchd }: UnitEvidence): string[] {
  if (launchd === undefined) return [];
  const held =
    launchd.state === "spawn scheduled"
      ? ["it holds the next start back: 10 s after the last, and longer after each failure"]
      : [];
  return [`launchd: ${launchd.state}${launchd.lastEnd === null ? "" : `, last exit ${launchd.lastEnd}`}`, ...held];
}

/** It starts with a login at the screen, and nobody is logged in there as its user. */
export const launchdNoSession: Rule = ({ node }, commands) => {
  const { unit } = node.gateway;
  if (unit?.launchd?.session !== false) return [];
  return [
    {
      layer: "host",
      code: "no-session",
      confidence: "high",
      evidence: [
        "nobody is logged in at the screen as the gateway's user, and this gateway starts with that login alone (startsAt: login)",
        ...launchdWords(unit),
      ],
      firstCommand: commands.status,
      nextStep:
        "log in at the screen as USER: launchd starts the gateway then. Automatic login spares that after a power cut, and FileVault excludes it; with `startsAt: boot` a gateway needs no login",
    },
  ];
};

/** A label that is disabled: the entry outlives a boot, `bootout` and the file, and `bootstrap` answers 119. */
export const launchdDisabled: Rule = ({ node }, commands) => {
  const { unit } = node.gateway;
  if (unit?.launchd?.disabled !== true || unit.active === "active") return [];
  return [
    {
      layer: "config or disk",
      code: "unit-disabled",
      confidence: "high",
      evidence: [
        "launchd has an entry that disables the job: it starts neither at a boot nor by `bootstrap`, which answers 119 or 5",
        ...launchdWords(unit),
      ],
      firstCommand: commands.startsAtBoot,
      nextStep: `${commands.start}; find out who disabled it`,
    },
  ];
};

/** 78 without a line in the log is launchd's own; the wrapper of the environment file and OpenClaw say why they end with it. */
export const launchdRefused: Rule = ({ node }, commands) => {
  const { unit, log } = node.gateway;
  if (unit?.launchd?.lastEnd?.startsWith("78") !== true || unit.active === "active") return [];
  const last = (log?.lines ?? []).slice(-3);
  return [
    {
      layer: "config or disk",
      code: "exit-config",
      confidence: last.length === 0 ? "high" : "medium",
      evidence: [
        ...launchdWords(unit),
        ...(last.length === 0
          ? [
              "no line of the log says why: launchd found no working directory, log or program that the gateway's user may open",
            ]
          : last.map((line) => `log: ${line}`)),
      ],
      firstCommand: commands.status,
      nextStep:
        "look at `program`, `working directory` and `stdout path` there: each has to exist, on a disk that is mounted, in folders that USER may enter; then apply the gateway again: `pulumi up --replace` with the URN of GATEWAY-gateway",
    },
  ];
};
