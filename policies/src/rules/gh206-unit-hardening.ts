import { unitOf } from "../gateway-unit.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Every directive was seen to be enforced on the process of a user service, and OpenClaw to work with it. */
const BASELINE = [
  "PrivateUsers=yes",
  "ProtectSystem=strict",
  "ProtectHome=read-only",
  "PrivateDevices=yes",
  "ProtectControlGroups=yes",
  "CapabilityBoundingSet=",
  "NoNewPrivileges=yes",
  "UMask=0077",
  "LimitCORE=0",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictNamespaces=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "KeyringMode=private",
  "ProtectClock=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
];

export const gh206 = defineRule({
  id: "GH206",
  title: "Unit hardening at the baseline",
  severity: "mandatory",
  reads:
    "`unitText` of every Linux `Gateway`; of `launchdJob` of one on macOS its umask and core limit, which is all that launchd has",
  why: "The unit is the fence around everything that an agent's tools start. What the running process really has is probed on the node and reported; this rule keeps a directive from being dropped before it gets there.",
  source:
    "systemd 252 and 257, probed for each directive; `MemoryDenyWriteExecute` and `RestrictSUIDSGID` are not here because OpenClaw does not run with them (decision 7)",
  fix: "put the directive back into the unit, or take it out of the baseline for everybody, in the pack's configuration",
  only: GATEWAY,
  parameters: {
    directives: { kind: "texts", default: BASELINE, doc: "Lines that `[Service]` has to have, word for word" },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const unit = unitOf(found);
    if (unit === undefined) return found.problems;
    for (const line of parameters.directives) {
      const [directive = "", ...value] = line.split("=");
      if (!unit.has(directive)) continue;
      const values = unit.values(directive);
      if (values.length === 0) found.add(`its unit has no ${directive}`);
      else if (!values.every((one) => one === value.join("="))) found.add(`its unit weakens ${line}`);
    }
    return found.problems;
  },
});
