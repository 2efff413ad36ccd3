import { gh303 } from "../../policies/src/rules/gh303-pinned-by-integrity.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh303, {
  faults: [
    {
      label: "a lockfile without a digest",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["lockfileHash"], "sha1-abc");
      },
      says: [/box-1: lockfileHash is no digest/],
    },
    {
      label: "an archive without a digest",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["nodeIntegrity", "linux-x64"], "24.21.0");
      },
      says: [/box-1: nodeIntegrity\.linux-x64 is no digest/],
    },
    {
      label: "no archive",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["nodeIntegrity"], {});
      },
      says: [/box-1: nodeIntegrity is not declared/],
    },
  ],
  needs: [
    ["Runtime", "box-1", ["lockfileHash"]],
    ["Runtime", "box-1", ["nodeIntegrity"]],
  ],
});
