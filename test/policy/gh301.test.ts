import { gh301 } from "../../policies/src/rules/gh301-node-line.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh301, {
  faults: [
    {
      label: "an older release of the line",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["nodeVersion"], "24.15.9");
      },
      says: [/box-1: nodeVersion is outside 24\.16\.0 to the end of the 24 line/],
    },
    {
      label: "another line",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["nodeVersion"], "22.21.0");
      },
      says: [/box-1: nodeVersion is outside 24/],
    },
    {
      label: "a range",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["nodeVersion"], "^24");
      },
      says: [/box-1: nodeVersion is no full version/],
    },
    {
      label: "a later line that the team moves to",
      plant: unchanged,
      says: [/box-[12]: nodeVersion is outside 26\.1\.0 to the end of the 26 line/],
      given: { major: 26, minimumMinor: 1 },
    },
  ],
  needs: [["Runtime", "box-1", ["nodeVersion"]]],
});
