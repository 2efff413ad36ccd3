import { gh107 } from "../../policies/src/rules/gh107-rotation-window.ts";
import { ruleContract, unchanged } from "./stack.ts";

ruleContract(gh107, {
  faults: [
    {
      label: "a key that lives too long in production",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], 91);
      },
      says: [/team-a\/builder: the key for anthropic is rotated every 91 days, in prod at most 90/],
    },
    {
      label: "a token that lives too long",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["token", "rotateEveryDays"], 200);
      },
      says: [/team-a: the gateway token is rotated every 200 days, in prod at most 90/],
    },
    {
      label: "never",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], 0);
      },
      says: [/team-a\/builder: the key for anthropic is rotated every 0 days/],
    },
    {
      label: "no number",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], "often");
      },
      says: [/team-a\/builder: credentials\[0\]\.rotateEveryDays is no number/],
    },
    {
      label: "a shorter time that the team sets",
      plant: unchanged,
      says: [/team-b: .* every 90 days, in staging at most 30/, /team-b\/hands: .* in staging at most 30/],
      given: { maximumDays: { staging: 30 } },
    },
    {
      label: "an unheard-of kind of environment",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["environmentKind"], "moon");
      },
      says: [/team-a\/builder: environmentKind is none of prod, staging, dev, ci/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["environmentKind"]],
    ["Gateway", "team-a", ["token", "rotateEveryDays"]],
    ["Agent", "team-a/builder", ["environmentKind"]],
    ["Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"]],
    ["Agent", "team-a/builder", ["credentials"]],
  ],
});
