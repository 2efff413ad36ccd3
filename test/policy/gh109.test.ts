import { gh109 } from "../../policies/src/rules/gh109-rollback-points.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh109, {
  faults: [
    {
      label: "one rollback point in production",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["rollbackPoints"], 1);
      },
      says: [/team-a: it has 1 rollback points, in prod at least 2/],
    },
    {
      label: "no rollback point",
      plant: (stack) => {
        stack.set("Gateway", "team-b", ["rollbackPoints"], 0);
      },
      says: [/team-b: it has 0 rollback points, in staging at least 1/],
    },
    {
      label: "more that the team wants",
      plant: unchanged,
      says: [/team-c: it has 2 rollback points, in ci at least 4/],
      given: { minimum: { ci: 4 } },
    },
    {
      label: "an unheard-of kind of environment",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["environmentKind"], "moon");
      },
      says: [/team-a: environmentKind is none of/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["rollbackPoints"]],
    ["Gateway", "team-a", ["environmentKind"]],
  ],
});
