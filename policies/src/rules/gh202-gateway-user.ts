import { absent, Findings, read, textAt, textsAt } from "../read.ts";
import { GATEWAY, NODE } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh202 = defineRule({
  id: "GH202",
  title: "A gateway user without power",
  severity: "mandatory",
  reads: "`user`, `account` and `node` of every `Gateway`, `connection.user` of every `GatewayNode`",
  why: "An agent's command runs as the gateway's user. With sudo or the docker group it is root; as root it is everything; shared with a second gateway it reads that one's keys.",
  source:
    "OpenClaw 2026.9.6, measured: a command on the host sees every variable of the service; issues clawrium #125, openclaw-ansible PR #71, `NOPASSWD:ALL` in a published playbook",
  fix: "name a dedicated `user` for the gateway, different from the SSH login; the account phase makes it without groups, password and sudo",
  parameters: {
    privilegedGroups: {
      kind: "texts",
      default: [
        "root",
        "sudo",
        "wheel",
        "admin",
        "docker",
        "podman",
        "lxd",
        "incus",
        "libvirt",
        "kvm",
        "disk",
        "shadow",
      ],
      doc: "Groups that give more than the gateway needs",
    },
  },
  check: (resource, { fleet, parameters }) => {
    const { type, props } = resource;
    const found = new Findings(props);
    if (type === NODE) {
      // a gateway's own check compares with this field
      found.needText("connection", "user");
      return found.problems;
    }
    if (type !== GATEWAY) return [];
    const user = found.needText("user");
    if (user === "root") found.add("its user is root");
    found.expect("locked", "account", "password");
    const groups = read(props, "account", "groups");
    if (groups.state !== "known") found.add(`account.groups is ${absent(groups)}`);
    for (const group of textsAt(props, "account", "groups"))
      if (parameters.privilegedGroups.includes(group)) found.add(`its user is in the group ${group}`);
    const node = found.needText("node");
    if (user === undefined || node === undefined) return found.problems;
    const home = fleet.node(node);
    if (home === undefined) found.add("the node that it names is not declared");
    const login = textAt(home?.props, "connection", "user");
    if (login === user) found.add("its user is also the SSH login of the node, which may use sudo");
    for (const other of fleet.gatewaysOn(node))
      if (other.name !== resource.name && textAt(other.props, "user") === user)
        found.add(`its user is also the user of ${other.name}`, other.name);
    return found.problems;
  },
});
