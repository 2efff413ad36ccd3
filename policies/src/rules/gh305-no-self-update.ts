import { unitOf } from "../gateway-unit.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** What the vendor's program asks before it changes its own installation. */
const WANTED = [
  ["OPENCLAW_NO_AUTO_UPDATE", "1"],
  ["OPENCLAW_SERVICE_REPAIR_POLICY", "external"],
  ["OPENCLAW_SUPERVISOR_MODE", "external"],
  ["OPENCLAW_CONFIG_READONLY", "1"],
] as const;

export const gh305 = defineRule({
  id: "GH305",
  title: "Nobody but Gatehouse changes the installation",
  severity: "mandatory",
  reads: "`openclaw.update` of every `Gateway`, and the vendor's switches in `unitText` of a Linux one",
  why: "A gateway that updates, repairs or rewrites itself runs something that nobody tested and that no rollback point describes. A failed start may even run an AI repair agent on the host.",
  source: "OpenClaw 2026.9.6: measured start failure with automatic triage; issues on doctor replacing ExecStart",
  fix: "set `update.auto.enabled` and `update.checkOnStart` to false and give the unit the four vendor switches",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    found.expect(false, "openclaw", "update", "auto", "enabled");
    found.expect(false, "openclaw", "update", "checkOnStart");
    const unit = unitOf(found);
    if (unit === undefined) return found.problems;
    for (const [name, value] of WANTED)
      if (unit.variable(name) !== value) found.add(`its unit does not set ${name}=${value}`);
    return found.problems;
  },
});
