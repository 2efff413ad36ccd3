import { refuseCommands } from "../command-text.ts";
import { isLoopback, originOf } from "../origin.ts";
import { Findings, read, textAt, textsAt } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Networks that hold everybody. */
const EVERYBODY: readonly string[] = ["0.0.0.0/0", "::/0", "*"];

/** Ways to put a TCP forward, which has no headers, in front of a gateway. */
const FORWARDS = [
  {
    pattern: /\btailscale\s+(?:--?\S+\s+)*serve\b.*\s--?(?:tls-terminated-)?tcp\b/,
    problem: "forwards TCP with Tailscale Serve, so every remote client counts as local",
  },
  {
    pattern: /\bsocat\b.*\b(?:TCP|OPENSSL)\d?-LISTEN:/i,
    problem: "forwards TCP with socat, so every remote client counts as local",
  },
];

export const gh404 = defineRule({
  id: "GH404",
  title: "What stands in front is declared",
  severity: "mandatory",
  reads:
    "`openclaw.gateway.trustedProxies`, `auth`, `tailscale` and `controlUi.allowedOrigins` of every `Gateway`, and the texts of every `Command`",
  why: "A proxy or forward that adds no X-Forwarded headers makes every remote client local: the shared token alone then gives an operator without pairing and without a rate limit. And `allowTailscale`, left unset beside Serve, lets any user of the tailnet in without a token.",
  source: "OpenClaw 2026.9.6, measured with nginx, haproxy, caddy and Tailscale Serve",
  fix: "let the proxy set X-Forwarded-For, -Proto and -Host and name the address that it connects from in the gateway's `trustedProxies`; set `auth.allowTailscale` to false",
  parameters: {},
  check: (resource) => {
    const { type, props } = resource;
    const found = new Findings(props);
    refuseCommands(found, resource, FORWARDS);
    if (type !== GATEWAY) return found.problems;
    const mode = found.needText("openclaw", "gateway", "auth", "mode");
    found.need("openclaw", "gateway", "trustedProxies");
    found.expect(false, "openclaw", "gateway", "auth", "allowTailscale");
    const trusted = textsAt(props, "openclaw", "gateway", "trustedProxies");
    if (trusted.some((network) => EVERYBODY.includes(network)))
      found.add("openclaw.gateway.trustedProxies trusts everybody");
    if (mode === "trusted-proxy") {
      if (trusted.length === 0) found.add("openclaw.gateway.auth.mode is trusted-proxy and no proxy is trusted");
      found.needText("openclaw", "gateway", "auth", "trustedProxy", "userHeader");
      if (read(props, "openclaw", "gateway", "auth", "token").state !== "missing")
        found.add("openclaw.gateway.auth has a token beside trusted-proxy, and OpenClaw does not start with both");
    }
    const fronted = textsAt(props, "openclaw", "gateway", "controlUi", "allowedOrigins").some((url) => {
      const origin = originOf(url);
      return origin !== undefined && !isLoopback(origin.host);
    });
    const served = textAt(props, "openclaw", "gateway", "tailscale", "mode") === "serve";
    if (fronted && !served && trusted.length === 0)
      found.add("openclaw.gateway.controlUi.allowedOrigins names a page behind a proxy, and no proxy is trusted");
    return found.problems;
  },
});
