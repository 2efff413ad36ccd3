import { gh102 } from "../../policies/src/rules/gh102-one-environment-per-credential.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh102, {
  faults: [
    {
      label: "one reference for production and staging",
      plant: (stack) => {
        stack.set("Agent", "team-b/hands", ["credentials", 0, "ref"], "pulumi://builder-anthropic");
      },
      says: [
        /pulumi:\/\/builder-anthropic is also used in environment (live, by team-a\/builder|trial, by team-b\/hands)\./,
      ],
    },
    {
      label: "two fields of one vault path",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "vault://kv/keys#live");
        stack.set("Agent", "team-b/hands", ["credentials", 0, "ref"], "vault://kv/keys#trial");
      },
      says: [/vault:\/\/kv\/keys#(trial|live) is also used in environment (live|trial)/],
    },
    {
      label: "two fields of one item",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "op://Ops/keys/live");
        stack.set("Agent", "team-b/hands", ["credentials", 0, "ref"], "op://Ops/keys/trial");
      },
      says: [/op:\/\/Ops\/keys\/(trial|live) is also used in environment (live|trial)/],
    },
    {
      label: "a reference of another stack",
      plant: unchanged,
      says: [/team-a\/builder: pulumi:\/\/builder-anthropic is also used in environment dev of another stack/],
      given: { otherStacks: ["dev pulumi://builder-anthropic", "live pulumi://research-anthropic"] },
    },
    {
      label: "one role of the nodes in two environments",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["nodeIdentity"], {
          vault: { address: "https://vault.example.net:8200", roleId: "team-c", secretId: "pulumi://team-a-vault" },
        });
      },
      says: [/team-c: vault-role:\/\/\S+ is also used in environment live, by team-a\./],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["environment"]],
    ["Agent", "team-a/builder", ["environment"]],
  ],
});
