import { gh504 } from "../../policies/src/rules/gh504-provisioning-key-apart.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh504, {
  faults: [
    {
      label: "the provisioning key as an agent's",
      plant: (stack) => {
        stack.set("GatewayNode", "box-1", ["connection", "privateKeyRef"], "pulumi://builder-anthropic");
      },
      says: [
        /team-a\/builder: pulumi:\/\/builder-anthropic is a key for provisioning and also a credential, with box-1\./,
      ],
    },
    {
      label: "the jump host's key as a token",
      plant: (stack) => {
        stack.set("GatewayNode", "box-1", ["connection", "jump", "privateKeyRef"], "pulumi://team-a-token");
      },
      says: [/team-a: pulumi:\/\/team-a-token is a key for provisioning and also a credential, with box-1\./],
    },
    {
      label: "a key from nowhere",
      plant: (stack) => {
        stack.remove("GatewayNode", "box-2", ["connection", "privateKeyRef"]);
      },
      says: [/box-2: connection\.privateKeyRef is not declared/],
    },
  ],
  needs: [
    ["GatewayNode", "box-1", ["connection", "login"]],
    ["GatewayNode", "box-1", ["connection", "privateKeyRef"]],
    ["GatewayNode", "box-1", ["connection", "jump", "login"]],
  ],
});
