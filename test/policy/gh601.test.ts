import { gh601 } from "../../policies/src/rules/gh601-starts-by-itself.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh601, {
  faults: [
    {
      label: "a service that waits for a login",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["service", "starts"], "at login");
      },
      says: [/team-a: service\.starts is not "at boot, by linger"/],
    },
    {
      label: "a unit that nothing wants",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) => unit.replace("WantedBy=default.target", ""));
      },
      says: [/team-a: its unit is not wanted by default\.target/],
    },
    {
      label: "a unit that stays down",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) => unit.replace("Restart=always", "Restart=no"));
      },
      says: [/team-a: its unit does not restart always/],
    },
    {
      label: "a machine that may go to sleep",
      plant: (stack) => {
        stack.set("GatewayNode", "box-1", ["sleep"], "as configured");
      },
      says: [/box-1: sleep is not "prevented"/],
    },
  ],
  needs: [
    ["GatewayNode", "box-1", ["sleep"]],
    ["Gateway", "team-a", ["service"]],
    ["Gateway", "team-a", ["service", "manager"]],
    ["Gateway", "team-a", ["unitText"]],
    ["Gateway", "team-a", ["platform"]],
  ],
});
