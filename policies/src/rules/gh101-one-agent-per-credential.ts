import { sharedWith } from "../fleet.ts";
import { Findings, lengthAt } from "../read.ts";
import { shown } from "../reference.ts";
import { AGENT, OTHER_STACK } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh101 = defineRule({
  id: "GH101",
  title: "One agent for each credential",
  severity: "mandatory",
  reads:
    "`credentials[].ref` of every `Agent`, versions of a reference left aside, and the ledgers of the fleet's `otherStacks`",
  why: "Two agents with one key cannot be told apart at the provider, cannot be revoked one by one, and a leak of either is a leak of both.",
  source:
    "OpenClaw's own position: one credential store for each agent; the vendor's policy plugin does not read these stores",
  fix: "issue a key for each agent, store it under a reference of its own and name that one in the agent's `credentials`",
  parameters: {},
  check: (resource, { fleet }) => {
    if (resource.type !== AGENT && resource.type !== OTHER_STACK) return [];
    const found = new Findings(resource.props);
    if (resource.type === AGENT) {
      found.needItems("credentials");
      for (let index = 0; index < lengthAt(resource.props, "credentials"); index += 1)
        found.needText("credentials", index, "ref");
    }
    for (const { own, others } of sharedWith(fleet, resource)) {
      if (own.track !== "provider") continue;
      const agents = others.filter(({ track, name }) => track === "provider" && name !== resource.name);
      for (const { name } of agents) found.add(`${shown(own.reference)} is also the credential of ${name}`, name);
    }
    return found.problems;
  },
});
