import { gh102 } from "../../policies/src/rules/gh102-one-environment-per-credential.ts";
import { otherStack, PLACES } from "./other-stack.ts";
import { ruleContract, unchanged, type Stack } from "./stack.ts";

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
    ...PLACES.map((place) => ({
      label: `a path that another stack's ledger has in another environment (${place})`,
      plant: (stack: Stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "vault://kv/keys#live");
        const ref = "vault://kv/keys#trial";
        otherStack(stack, [{ principal: "x/y", environment: "trial", track: "provider", ref }], place);
      },
      says: [
        place === "unshift"
          ? /team-a\/builder: vault:\/\/kv\/keys#live is also used in environment trial, by acme\/gateways\/trial x\/y/
          : /acme\/gateways\/trial: vault:\/\/kv\/keys#trial is also used in environment live, by team-a\/builder/,
      ],
    })),
    {
      label: "another stack without a ledger",
      plant: (stack) => {
        otherStack(stack, undefined);
      },
      says: [/acme\/gateways\/trial: credentials is not declared/],
    },
    {
      label: "another stack's ledger that does not say for which environment",
      plant: (stack) => {
        otherStack(stack, [{ principal: "x/y", track: "provider", ref: "vault://kv/other#trial" }]);
      },
      says: [/acme\/gateways\/trial: credentials\[0\]\.environment is not declared/],
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
