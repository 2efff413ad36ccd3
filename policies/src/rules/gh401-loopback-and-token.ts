import { Findings, read } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh401 = defineRule({
  id: "GH401",
  title: "Listening on loopback, with a token",
  severity: "mandatory",
  reads: "`openclaw.gateway.bind`, `customBindHost` and `auth` of every `Gateway`, as rendered for OpenClaw",
  why: "Whoever reaches the port and has the token operates the gateway. On loopback that takes a login on the machine first; without a token in the configuration OpenClaw makes one up at start that nobody has.",
  source:
    "OpenClaw 2026.9.6, measured: `bind` other than loopback listens on every interface it names; `tailnet` falls back without a word",
  fix: "set `gateway.bind` to loopback and `gateway.auth` to mode token with a reference; reach it through Tailscale Serve or an SSH tunnel",
  only: GATEWAY,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    found.expect("loopback", "openclaw", "gateway", "bind");
    found.expect("token", "openclaw", "gateway", "auth", "mode");
    if (read(props, "openclaw", "gateway", "customBindHost").state !== "missing")
      found.add("openclaw.gateway.customBindHost names an address to listen on");
    const token = found.need("openclaw", "gateway", "auth", "token");
    if (typeof token === "string") found.add("openclaw.gateway.auth.token is a value, not a reference");
    else if (token !== undefined) found.needText("openclaw", "gateway", "auth", "token", "source");
    return found.problems;
  },
});
