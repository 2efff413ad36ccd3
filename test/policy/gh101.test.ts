import { gh101 } from "../../policies/src/rules/gh101-one-agent-per-credential.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh101, {
  faults: [
    {
      label: "one reference for two agents",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "pulumi://research-anthropic");
      },
      says: [/team-a\/builder: pulumi:\/\/research-anthropic is also the credential of team-a\/research\./],
    },
    {
      label: "another version of the same secret",
      plant: (stack) => {
        stack.set("Agent", "team-a/research", ["credentials", 0, "ref"], "vault://kv/x#key?version=3");
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "vault://kv/x#key?version=4");
      },
      says: [/team-a\/builder: vault:\/\/kv\/x#key\?version=4 is also the credential of team-a\/research\./],
    },
    {
      label: "one reference in two gateways",
      plant: (stack) => {
        stack.set("Agent", "team-c/runner", ["credentials", 0, "ref"], "pulumi://hands-anthropic");
      },
      says: [/team-c\/runner: .* of team-b\/hands\./],
    },
    {
      label: "no credential at all",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials"], []);
      },
      says: [/team-a\/builder: credentials is not declared/],
    },
  ],
  needs: [
    ["Agent", "team-a/builder", ["credentials"]],
    ["Agent", "team-a/builder", ["credentials", 0, "ref"]],
  ],
});
