import { gh204 } from "../../policies/src/rules/gh204-explicit-auth-order.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh204, {
  faults: [
    {
      label: "a gateway that is not in the stack",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["gateway"], "team-z");
      },
      says: [/team-a\/builder: the gateway team-z that it names is not declared/],
    },
    {
      label: "an agent that the order leaves out",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "auth", "order", "anthropic"], ["anthropic:research"]);
      },
      says: [/team-a\/builder: openclaw\.auth\.order\.anthropic of team-a does not name its profile/],
    },
    {
      label: "an empty order",
      plant: (stack) => {
        stack.set("Gateway", "team-b", ["openclaw", "auth", "order", "anthropic"], []);
      },
      says: [/team-b: openclaw\.auth\.order\.anthropic is empty/, /team-b\/hands: .* does not name its profile/],
    },
    {
      label: "a key of the provider for everybody",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "models", "providers"], {
          anthropic: { apiKey: { source: "env" } },
        });
      },
      says: [/team-a: openclaw\.models\.providers\.anthropic\.apiKey is one key for every agent/],
    },
    {
      label: "an ambient variable in the list of secrets",
      plant: (stack) => {
        stack.set(
          "Gateway",
          "team-a",
          ["openclaw", "secrets", "providers", "default", "allowlist"],
          ["ANTHROPIC_API_KEY"],
        );
      },
      says: [/team-a: ANTHROPIC_API_KEY is a key for every agent of the gateway/],
    },
    {
      label: "an ambient variable as an agent's own",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "variable"], "GITHUB_TOKEN");
      },
      says: [/team-a\/builder: GITHUB_TOKEN is a key for every agent/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "auth", "order"]],
    ["Gateway", "team-a", ["openclaw", "auth"]],
    ["Gateway", "team-a", ["openclaw", "secrets", "providers", "default", "allowlist"]],
    ["Agent", "team-a/builder", ["credentials", 0, "variable"]],
    ["Agent", "team-a/builder", ["credentials", 0, "provider"]],
    ["Agent", "team-a/builder", ["gateway"]],
    ["Agent", "team-a/builder", ["agent"]],
  ],
});
