import { sharedWith, type Use } from "../fleet.ts";
import { Findings } from "../read.ts";
import { shown } from "../reference.ts";
import { AGENT, GATEWAY, OTHER_STACK } from "../resource.ts";
import { defineRule } from "../rule.ts";

const USED_AS: Readonly<Record<Use["track"], string>> = {
  gateway: "a gateway token",
  provider: "a provider key",
  identity: "what a node signs in with",
  principal: "what a node signs in with",
  login: "a key for SSH",
};

export const gh105 = defineRule({
  id: "GH105",
  title: "One gateway for each gateway token",
  severity: "mandatory",
  reads:
    "`token.ref` of every `Gateway` and the references of every other component, and the ledgers of the fleet's `otherStacks`",
  why: "The token is the whole session boundary of a gateway: whoever has it operates that gateway. Shared, it operates two; doubling as a provider key, it is known to the provider and to every process that may call it.",
  source: "OpenClaw 2026.9.6: one shared-secret token admits a client with every operator scope",
  fix: "leave `token` out, and one of 256 bits is generated for this gateway, or name a reference that nothing else uses",
  parameters: {},
  check: (resource, { fleet }) => {
    if (resource.type !== GATEWAY && resource.type !== AGENT && resource.type !== OTHER_STACK) return [];
    const found = new Findings(resource.props);
    if (resource.type === GATEWAY) found.needText("token", "ref");
    for (const { own, others } of sharedWith(fleet, resource)) {
      for (const { name, track } of others) {
        const token = shown(own.reference);
        const also = track === "gateway" ? own.track : track;
        if (own.track === "gateway" && track === "gateway")
          found.add(`the gateway token ${token} is also the token of ${name}`, name);
        else if (own.track === "gateway" || track === "gateway")
          found.add(`${token} is a gateway token and also used as ${USED_AS[also]}, with ${name}`, name);
      }
    }
    return found.problems;
  },
});
