import { gh206 } from "../../policies/src/rules/gh206-unit-hardening.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh206, {
  faults: [
    {
      label: "a directive that is gone",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) => unit.replace("NoNewPrivileges=yes\n", ""));
      },
      says: [/team-a: its unit has no NoNewPrivileges/],
    },
    {
      label: "a weaker directive",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("ProtectSystem=strict", "ProtectSystem=full"),
        );
      },
      says: [/team-a: its unit weakens ProtectSystem=strict/],
    },
    {
      label: "a directive that a later line takes back",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("[Install]", "CapabilityBoundingSet=CAP_SYS_ADMIN\n[Install]"),
        );
      },
      says: [/team-a: its unit weakens CapabilityBoundingSet=/],
    },
    {
      label: "one that the team adds",
      plant: unchanged,
      says: [/team-[abc]: its unit has no IPAddressDeny/],
      given: { directives: ["IPAddressDeny=any"] },
    },
  ],
  needs: [
    ["Gateway", "team-a", ["unitText"]],
    ["Gateway", "team-a", ["platform"]],
  ],
});
