import { Findings, textsAt } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** The first is an unknown key today and stops the gateway, the second does nothing; both show what somebody meant to do. */
const RELAXING = [
  "allowInsecureAuth",
  "dangerouslyDisableDeviceAuth",
  "dangerouslyAllowHostHeaderOriginFallback",
] as const;

export const gh405 = defineRule({
  id: "GH405",
  title: "No relaxed control page",
  severity: "mandatory",
  reads: "`openclaw.gateway.controlUi` of every `Gateway`",
  why: "The page runs with every operator scope. These switches let it be opened from another origin, which a link in a chat is enough for.",
  source:
    "OpenClaw 2026.9.6, measured; the vendor's audit checks `config.insecure_or_dangerous_flags` and `gateway.control_ui.*`",
  fix: "take the switch out; name each origin in `allowedOrigins`, or leave `controlUi.enabled` false",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    found.need("openclaw", "gateway", "controlUi", "enabled");
    for (const name of RELAXING) found.refuse(true, "openclaw", "gateway", "controlUi", name);
    if (textsAt(props, "openclaw", "gateway", "controlUi", "allowedOrigins").includes("*"))
      found.add("openclaw.gateway.controlUi.allowedOrigins lets every page in");
    return found.problems;
  },
});
