import { gh105 } from "../../policies/src/rules/gh105-gateway-token-of-its-own.ts";
import { otherStack, PLACES } from "./other-stack.ts";
import { ruleContract, type Stack } from "./stack.ts";

ruleContract(gh105, {
  faults: [
    {
      label: "one token for two gateways",
      plant: (stack) => {
        stack.set("Gateway", "team-b", ["token", "ref"], "pulumi://team-a-token");
      },
      says: [/team-b: the gateway token pulumi:\/\/team-a-token is also the token of team-a\./],
    },
    {
      label: "a token that is a provider key as well",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "ref"], "pulumi://team-a-token");
      },
      says: [
        /team-a\/builder: pulumi:\/\/team-a-token is a gateway token and also used as a provider key, with team-a\./,
      ],
    },
    ...PLACES.map((place) => ({
      label: `the token of another stack's gateway (${place})`,
      plant: (stack: Stack) => {
        const ref = "vault://kv/gateway#token";
        stack.set("Gateway", "team-a", ["token", "ref"], ref);
        otherStack(stack, [{ principal: "x", environment: "live", track: "gateway", ref }], place);
      },
      says: [
        place === "unshift"
          ? /team-a: the gateway token vault:\/\/kv\/gateway#token is also the token of acme\/gateways\/trial x/
          : /acme\/gateways\/trial: the gateway token vault:\/\/kv\/gateway#token is also the token of team-a/,
      ],
    })),
    {
      label: "a token that opens a vault as well",
      plant: (stack) => {
        stack.set("Gateway", "team-c", ["token", "ref"], "pulumi://team-c-vault");
      },
      says: [/team-c: pulumi:\/\/team-c-vault is a gateway token and also used as what a node signs in with/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["token", "ref"]],
    ["Gateway", "team-a", ["token"]],
  ],
});
