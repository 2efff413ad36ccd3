import { gh103 } from "../../policies/src/rules/gh103-runners-own-identity.ts";
import { HOST_KEY } from "../fleet-input.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh103, {
  faults: [
    {
      label: "two people with one SSH key",
      plant: (stack) => {
        stack.set("Principal", "kim-principal", ["publicKey"], `${HOST_KEY} kim@example.com`);
      },
      says: [/(?:kim|jo)-principal: has the same SSH key as (?:jo|kim)-principal/],
    },
    {
      label: "a variable of whoever runs the pipeline",
      plant: (stack) => {
        stack.set("Agent", "team-c/runner", ["credentials", 0, "ref"], "env://ANTHROPIC");
      },
      says: [/team-c\/runner: env:\/\/ANTHROPIC is a person's, and the environment is of kind ci/],
    },
    {
      label: "a personal vault in production",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "op://Private/key/credential");
      },
      says: [/team-a\/builder: op:\/\/Private\/key\/credential is a person's, and the environment is of kind prod/],
    },
    {
      label: "a vault that the team names",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "vault://people/jo#key");
      },
      says: [/team-a\/builder: vault:\/\/people\/jo#key is a person's/],
      given: { personalReferences: ["vault://people/"] },
    },
    {
      label: "two runners that sign in as one",
      plant: (stack) => {
        stack.set("Gateway", "team-b", ["environmentKind"], "ci");
        stack.set("Gateway", "team-b", ["nodeIdentity"], {
          vault: { address: "https://vault.example.net:8200", roleId: "team-c", secretId: "pulumi://team-b-vault" },
        });
      },
      says: [/team-c: signs in to its manager as team-b does/],
    },
  ],
  needs: [
    ["Principal", "jo-principal", ["kind"]],
    ["Principal", "jo-principal", ["keySource"]],
    ["Principal", "jo-principal", ["publicKey"]],
    ["Gateway", "team-a", ["environmentKind"]],
    ["Agent", "team-a/builder", ["environmentKind"]],
  ],
});
