import { gh503 } from "../../policies/src/rules/gh503-no-command-environment.ts";
import { ruleContract, CANARY, UNKNOWN } from "./stack.ts";

ruleContract(gh503, {
  faults: [
    {
      label: "an environment",
      plant: (stack) => {
        stack.set("Command", "team-a-gateway", ["environment"], { KEY: CANARY });
      },
      says: [/team-a-gateway: it has an environment/],
    },
    {
      label: "earlier outputs as environment",
      plant: (stack) => {
        stack.set("Command", "team-a-gateway", ["addPreviousOutputInEnv"], true);
      },
      says: [/team-a-gateway: addPreviousOutputInEnv is not false/],
    },
    {
      label: "an environment that nobody knows yet",
      plant: (stack) => {
        stack.set("Command", "team-a-gateway", ["environment"], UNKNOWN);
      },
      says: [/team-a-gateway: environment is unknown at preview/],
    },
  ],
  needs: [["Command", "team-a-gateway", ["addPreviousOutputInEnv"]]],
});
