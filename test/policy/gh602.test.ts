import { gh602 } from "../../policies/src/rules/gh602-audit-trail.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh602, {
  faults: [
    {
      label: "no audit trail",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "logging", "audit", "enabled"], false);
      },
      says: [/team-a: openclaw\.logging\.audit\.enabled is not true/],
    },
    {
      label: "a trail without names",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "logging", "audit", "executionIdentity"], false);
      },
      says: [/team-a: openclaw\.logging\.audit\.executionIdentity is not true/],
    },
    {
      label: "whole requests in the log",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "logging", "level"], "trace");
      },
      says: [/team-a: openclaw\.logging\.level is none of info, warn/],
    },
    {
      label: "no redaction",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "logging", "redactPatterns"], []);
      },
      says: [/team-a: openclaw\.logging\.redactPatterns is empty/],
    },
    {
      label: "what people wrote",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "logging", "audit", "messages"], "all");
      },
      says: [/team-a: openclaw\.logging\.audit\.messages keeps what people wrote/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "logging", "audit", "enabled"]],
    ["Gateway", "team-a", ["openclaw", "logging", "audit", "executionIdentity"]],
    ["Gateway", "team-a", ["openclaw", "logging", "file"]],
    ["Gateway", "team-a", ["openclaw", "logging", "level"]],
    ["Gateway", "team-a", ["openclaw"]],
  ],
});
