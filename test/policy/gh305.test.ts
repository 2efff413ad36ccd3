import { gh305 } from "../../policies/src/rules/gh305-no-self-update.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh305, {
  faults: [
    {
      label: "updates by itself",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "update", "auto", "enabled"], true);
      },
      says: [/team-a: openclaw\.update\.auto\.enabled is not false/],
    },
    {
      label: "a look for updates at start",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "update", "checkOnStart"], true);
      },
      says: [/team-a: openclaw\.update\.checkOnStart is not false/],
    },
    {
      label: "repairs by itself",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("OPENCLAW_SERVICE_REPAIR_POLICY=external", "OPENCLAW_SERVICE_REPAIR_POLICY=auto"),
        );
      },
      says: [/team-a: its unit does not set OPENCLAW_SERVICE_REPAIR_POLICY=external/],
    },
    {
      label: "triage that may start an agent",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("Environment=OPENCLAW_SUPERVISOR_MODE=external\n", ""),
        );
      },
      says: [/team-a: its unit does not set OPENCLAW_SUPERVISOR_MODE=external/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "update", "auto", "enabled"]],
    ["Gateway", "team-a", ["openclaw", "update", "checkOnStart"]],
    ["Gateway", "team-a", ["openclaw"]],
    ["Gateway", "team-a", ["unitText"]],
  ],
});
