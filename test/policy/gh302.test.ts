import { gh302 } from "../../policies/src/rules/gh302-openclaw-floor.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh302, {
  faults: [
    {
      label: "a version with CVE-2026-25253",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["openclawVersion"], "2026.1.28");
      },
      says: [/box-1: openclawVersion is older than 2026\.1\.29: CVE-2026-25253 is open/],
    },
    {
      label: "a version with later advisories",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["openclawVersion"], "2026.4.7");
      },
      says: [/box-1: openclawVersion is older than 2026\.4\.8\./],
    },
    {
      label: "a tag",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["openclawVersion"], "latest");
      },
      says: [/box-1: openclawVersion is no full version/],
    },
    {
      label: "a floor below the fix",
      plant: (stack) => {
        stack.set("Runtime", "box-1", ["openclawVersion"], "2025.12.1");
      },
      says: [/box-1: .*CVE-2026-25253 is open/],
      given: { minimum: ["2025.1.1"] },
    },
    {
      label: "a higher floor",
      plant: unchanged,
      says: [/box-[12]: openclawVersion is older than 2027\.1\.0\./],
      given: { minimum: ["2027.1.0"] },
    },
    {
      label: "a floor that is none",
      plant: unchanged,
      says: [/box-[12]: the parameter 'minimum' is no full version/],
      given: { minimum: ["new"] },
    },
  ],
  needs: [["Runtime", "box-1", ["openclawVersion"]]],
});
