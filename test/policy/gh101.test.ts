import { gh101 } from "../../policies/src/rules/gh101-one-agent-per-credential.ts";
import { OTHER_STACK, otherStack, PLACES } from "./other-stack.ts";
import { ruleContract, type Stack } from "./stack.ts";

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
    ...PLACES.map((place) => ({
      label: `the key of an agent of another stack (${place})`,
      plant: (stack: Stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "vault://kv/x#key");
        const ref = "vault://kv/x#key";
        // that two of that stack share it is for that stack to say
        const uses = ["x/y", "x/z"].map((principal) => ({ principal, environment: "live", track: "provider", ref }));
        otherStack(stack, uses, place);
      },
      says: [
        place === "unshift"
          ? /team-a\/builder: vault:\/\/kv\/x#key is also the credential of acme\/gateways\/trial x\//
          : new RegExp(`${OTHER_STACK}: vault://kv/x#key is also the credential of team-a/builder`),
      ],
    })),
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
