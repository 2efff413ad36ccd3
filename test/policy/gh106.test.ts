import { gh106 } from "../../policies/src/rules/gh106-one-layer-at-a-time.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh106, {
  faults: [
    {
      label: "an override after its window",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["change", "rotateTogether"], { reason: "break-in" });
        stack.set("Gateway", "team-a", ["change", "window", "to"], "2026-11-23T11:59:59Z");
      },
      says: [/team-a: change\.rotateTogether is still there although the window of its change is over/],
    },
    {
      label: "an override without an end",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["change", "rotateTogether"], { reason: "break-in" });
        stack.set("Gateway", "team-a", ["change", "window", "to"], "soon");
      },
      says: [/team-a: change\.rotateTogether is still there/],
    },
    {
      label: "an override without a reason",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["change", "rotateTogether"], {});
      },
      says: [/team-a: change\.rotateTogether\.reason is not declared/],
    },
    {
      label: "a gateway that shows no fingerprints of its keys",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["providerFingerprints"], {});
      },
      says: [/team-a: providerFingerprints is not declared/],
    },
    {
      label: "a gateway that shows no fingerprint of its token",
      plant: (stack) => {
        stack.remove("Gateway", "team-a", ["tokenFingerprint"]);
      },
      says: [/team-a: tokenFingerprint is not declared/],
    },
  ],
  needs: [["Gateway", "team-a", ["providerFingerprints"]]],
});
