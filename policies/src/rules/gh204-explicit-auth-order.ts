import { Findings, keysAt, lengthAt, read, textsAt } from "../read.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { isAmbient } from "../unit.ts";

export const gh204 = defineRule({
  id: "GH204",
  title: "An explicit auth order and no ambient key",
  severity: "mandatory",
  reads:
    "`openclaw.auth.order`, `openclaw.auth.profiles`, `openclaw.models.providers` and `openclaw.secrets.providers` of every `Gateway`; `credentials` of every `Agent`",
  why: "Without an order an agent that has no key silently takes whatever key the process has, somebody else's, and nobody notices until the bill or the leak. With one it fails and says so.",
  source: "OpenClaw 2026.9.6, measured: `Explicit auth order for anthropic has no usable profiles.`",
  fix: "list the profiles of the provider under `auth.order`, give each agent its own, and take ambient variables and `models.providers.*.apiKey` out",
  parameters: {},
  check: ({ type, props }, { fleet }) => {
    const found = new Findings(props);
    if (type === GATEWAY) {
      found.need("openclaw", "auth", "order");
      found.need("openclaw", "auth", "profiles");
      for (const provider of keysAt(props, "openclaw", "auth", "order"))
        if (lengthAt(props, "openclaw", "auth", "order", provider) === 0)
          found.add(`openclaw.auth.order.${provider} is empty`);
      for (const provider of keysAt(props, "openclaw", "models", "providers"))
        if (read(props, "openclaw", "models", "providers", provider, "apiKey").state !== "missing")
          found.add(`openclaw.models.providers.${provider}.apiKey is one key for every agent`);
      found.need("openclaw", "secrets", "providers", "default", "allowlist");
      for (const variable of textsAt(props, "openclaw", "secrets", "providers", "default", "allowlist"))
        if (isAmbient(variable)) found.add(`${variable} is a key for every agent of the gateway`);
    }
    if (type === AGENT) {
      const gateway = found.needText("gateway");
      const agent = found.needText("agent");
      const count = found.needItems("credentials");
      for (let index = 0; index < count; index += 1) {
        const variable = found.needText("credentials", index, "variable");
        const provider = found.needText("credentials", index, "provider");
        if (variable !== undefined && isAmbient(variable))
          found.add(`${variable} is a key for every agent of the gateway`);
        if (gateway === undefined || agent === undefined || provider === undefined) continue;
        const owner = fleet.gateway(gateway);
        if (owner === undefined) {
          found.add(`the gateway ${gateway} that it names is not declared`);
          continue;
        }
        const order = textsAt(owner.props, "openclaw", "auth", "order", provider);
        if (!order.includes(`${provider}:${agent}`))
          found.add(`openclaw.auth.order.${provider} of ${gateway} does not name its profile`);
      }
    }
    return found.problems;
  },
});
