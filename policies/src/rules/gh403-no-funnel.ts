import { refuseCommands } from "../command-text.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh403 = defineRule({
  id: "GH403",
  title: "No Tailscale Funnel",
  severity: "mandatory",
  reads: "`openclaw.gateway.tailscale.mode` of every `Gateway`, and the texts of every `Command`",
  why: "Funnel puts the gateway on the public internet, under a name that certificate logs publish within minutes.",
  source: "OpenClaw 2026.9.6: funnel needs password authentication in place of the token; Tailscale's documentation",
  fix: "set `gateway.tailscale.mode` to off or serve, and give people access through the tailnet's ACL",
  parameters: {},
  check: (resource) => {
    const found = new Findings(resource.props);
    if (resource.type === GATEWAY) {
      const mode = found.needText("openclaw", "gateway", "tailscale", "mode");
      if (mode === "funnel") found.add("openclaw.gateway.tailscale.mode is funnel");
      else if (mode !== undefined && mode !== "off" && mode !== "serve")
        found.add("openclaw.gateway.tailscale.mode is neither off nor serve");
    }
    refuseCommands(found, resource, [
      {
        pattern: /\btailscale\s+(?:--?\S+\s+)*funnel\b(?!\s+(?:off|reset|status)\b)/,
        problem: "turns on a Tailscale Funnel",
      },
    ]);
    return found.problems;
  },
});
