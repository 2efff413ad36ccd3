import { gh108 } from "../../policies/src/rules/gh108-change-record.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh108, {
  faults: [
    {
      label: "a gateway in production without a record",
      plant: (stack) => {
        stack.remove("Gateway", "team-a", ["change"]);
      },
      says: [/team-a: change is not declared/],
    },
    {
      label: "a window that ends before it begins",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["change", "window", "to"], "2026-11-23T19:00:00Z");
      },
      says: [/team-a: change\.window does not end after it begins/],
    },
    {
      label: "a window that is no time",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["change", "window", "from"], "tonight");
      },
      says: [/team-a: change\.window does not end after it begins/],
    },
    {
      label: "another environment that the team names",
      plant: (stack) => {
        stack.remove("Gateway", "team-b", ["change"]);
      },
      says: [/team-b: change is not declared/],
      given: { environments: ["staging"] },
    },
  ],
  needs: [
    ["Gateway", "team-a", ["environmentKind"]],
    ["Gateway", "team-a", ["change", "ticket"]],
    ["Gateway", "team-a", ["change", "blastRadius"]],
    ["Gateway", "team-a", ["change", "rollbackPoint"]],
    ["Gateway", "team-a", ["change", "window"]],
  ],
});
