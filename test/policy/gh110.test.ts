import { gh110 } from "../../policies/src/rules/gh110-blast-radius.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh110, {
  faults: [
    {
      label: "a key for four agents",
      plant: (stack) => {
        for (const name of ["team-a/research", "team-a/builder", "team-b/hands", "team-c/runner"])
          stack.set("Agent", name, ["credentials", 0, "ref"], "pulumi://everybody");
      },
      says: [
        /team-c\/runner: pulumi:\/\/everybody reaches 4 agents, at most 3/,
        /team-c\/runner: pulumi:\/\/everybody reaches 3 gateways, at most 2/,
        /team-c\/runner: pulumi:\/\/everybody reaches 3 environments, at most 2/,
      ],
    },
    {
      label: "a lower ceiling",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "pulumi://research-anthropic");
      },
      says: [/team-a\/builder: pulumi:\/\/research-anthropic reaches 2 agents, at most 1/],
      given: { agents: 1 },
    },
    {
      label: "a key on two nodes",
      plant: (stack) => {
        stack.set("Agent", "team-c/runner", ["credentials", 0, "ref"], "pulumi://hands-anthropic");
      },
      says: [/team-c\/runner: .* reaches 2 nodes, at most 1/],
      given: { nodes: 1 },
    },
  ],
  needs: [
    ["Gateway", "team-a", ["node"]],
    ["Gateway", "team-a", ["environment"]],
    ["Gateway", "team-a", ["gateway"]],
    ["Agent", "team-a/builder", ["agent"]],
    ["Agent", "team-a/builder", ["gateway"]],
  ],
});
