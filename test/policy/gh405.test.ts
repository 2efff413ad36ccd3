import { gh405 } from "../../policies/src/rules/gh405-control-ui.ts";
import { ruleContract, UNKNOWN } from "./stack.ts";

ruleContract(gh405, {
  faults: [
    {
      label: "the switch dangerouslyDisableDeviceAuth",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "controlUi", "dangerouslyDisableDeviceAuth"], true);
      },
      says: [/team-a: openclaw\.gateway\.controlUi\.dangerouslyDisableDeviceAuth is true/],
    },
    {
      label: "the switch allowInsecureAuth",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "controlUi", "allowInsecureAuth"], true);
      },
      says: [/team-a: openclaw\.gateway\.controlUi\.allowInsecureAuth is true/],
    },
    {
      label: "the switch dangerouslyAllowHostHeaderOriginFallback",
      plant: (stack) => {
        stack.set(
          "Gateway",
          "team-a",
          ["openclaw", "gateway", "controlUi", "dangerouslyAllowHostHeaderOriginFallback"],
          true,
        );
      },
      says: [/team-a: openclaw\.gateway\.controlUi\.dangerouslyAllowHostHeaderOriginFallback is true/],
    },
    {
      label: "every origin",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "controlUi", "allowedOrigins"], ["*"]);
      },
      says: [/team-a: openclaw\.gateway\.controlUi\.allowedOrigins lets every page in/],
    },
    {
      label: "a switch that nobody knows yet",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "controlUi", "dangerouslyDisableDeviceAuth"], UNKNOWN);
      },
      says: [/team-a: .* is unknown at preview/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "gateway", "controlUi", "enabled"]],
    ["Gateway", "team-a", ["openclaw", "gateway", "controlUi"]],
  ],
});
