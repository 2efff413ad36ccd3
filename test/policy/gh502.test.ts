import { gh502 } from "../../policies/src/rules/gh502-secret-command-outputs.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh502, {
  faults: [
    {
      label: "a plain stdout",
      plant: (stack) => {
        stack.get("Command", "team-a-gateway").secretOutputs = ["stderr"];
      },
      says: [/team-a-gateway: additionalSecretOutputs does not name stdout/],
    },
    {
      label: "plain outputs",
      plant: (stack) => {
        stack.get("Command", "team-a-gateway").secretOutputs = [];
      },
      says: [/team-a-gateway: additionalSecretOutputs does not name std(?:out|err)/],
    },
    {
      label: "outputs on the terminal",
      plant: (stack) => {
        stack.set("Command", "team-a-gateway", ["logging"], "stdoutAndStderr");
      },
      says: [/team-a-gateway: logging is not "none"/],
    },
  ],
  needs: [["Command", "team-a-gateway", ["logging"]]],
});
