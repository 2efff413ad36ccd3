import { gh202 } from "../../policies/src/rules/gh202-gateway-user.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh202, {
  faults: [
    {
      label: "root",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["user"], "root");
      },
      says: [/team-a: its user is root/],
    },
    {
      label: "a user in the docker group",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["account", "groups"], ["docker"]);
      },
      says: [/team-a: its user is in the group docker/],
    },
    {
      label: "a user with a password",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["account", "password"], "set");
      },
      says: [/team-a: account\.password is not "locked"/],
    },
    {
      label: "one user for two gateways",
      plant: (stack) => {
        stack.set("Gateway", "team-b", ["user"], "oc-team-a");
      },
      says: [/team-b: its user is also the user of team-a\./],
    },
    {
      label: "the SSH login",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["user"], "ops");
      },
      says: [/team-a: its user is also the SSH login of the node/],
    },
    {
      label: "a node of another stack",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["node"], "box-9");
      },
      says: [/team-a: the node that it names is not declared/],
    },
    {
      label: "a group that the team names",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["account", "groups"], ["media"]);
      },
      says: [/team-a: its user is in the group media/],
      given: { privilegedGroups: ["media"] },
    },
  ],
  needs: [
    ["Gateway", "team-a", ["user"]],
    ["Gateway", "team-a", ["node"]],
    ["Gateway", "team-a", ["account"]],
    ["Gateway", "team-a", ["account", "groups"]],
    ["GatewayNode", "box-1", ["connection", "user"]],
  ],
});
