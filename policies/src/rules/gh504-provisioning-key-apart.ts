import { sharedWith } from "../fleet.ts";
import { Findings, read } from "../read.ts";
import { shown } from "../reference.ts";
import { AGENT, GATEWAY, NODE } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh504 = defineRule({
  id: "GH504",
  title: "The provisioning key is nobody's identity",
  severity: "mandatory",
  reads:
    "`connection.login` and `connection.privateKeyRef` of every `GatewayNode` and its jump host, the references of every `Gateway` and `Agent`",
  why: "The key that may become root on every node is the one that no agent and no runner may ever hold. As one of their credentials it lies in a file of their user.",
  source: "the rule of least privilege; the field guide keeps the operator's access and the agents' identities apart",
  fix: "make a key for provisioning alone; a program that passes `privateKey` itself names where it is kept in `privateKeyRef`",
  parameters: {},
  check: (resource, { fleet }) => {
    const { type, props } = resource;
    if (type !== NODE && type !== AGENT && type !== GATEWAY) return [];
    const found = new Findings(props);
    if (type === NODE) {
      const hops = read(props, "connection", "jump").state === "missing" ? [[]] : [[], ["jump"]];
      for (const hop of hops) {
        const login = found.needText("connection", ...hop, "login");
        if (login === "private-key") found.needText("connection", ...hop, "privateKeyRef");
      }
    }
    for (const { own, others } of sharedWith(fleet, resource)) {
      for (const { name, track } of others) {
        if ((own.track === "login") !== (track === "login"))
          found.add(`${shown(own.reference)} is a key for provisioning and also a credential, with ${name}`, name);
      }
    }
    return found.problems;
  },
});
