import { gh701 } from "../../policies/src/rules/gh701-tools-within-the-preset.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh701, {
  faults: [
    {
      label: "elevated tools",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["openclaw", "tools", "elevated", "enabled"], true);
      },
      says: [/team-a\/builder: openclaw\.tools\.elevated\.enabled is not false/],
    },
    {
      label: "a sandbox that is switched off",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["openclaw", "sandbox", "mode"], "off");
      },
      says: [
        /team-a\/builder: its commands run outside the sandbox that its preset gives it/,
        /team-a\/builder: its commands run on the host, and its boundary is not gateway/,
      ],
    },
    {
      label: "tools that reach other agents",
      plant: (stack) => {
        stack.set(
          "Agent",
          "team-a/builder",
          ["openclaw", "tools", "alsoAllow"],
          ["sessions_history", "group:sessions"],
        );
      },
      says: [/team-a\/builder: it may use group:sessions, and its boundary is not gateway/],
    },
    {
      label: "a list of tools that the team keeps",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["openclaw", "tools", "alsoAllow"], ["web_fetch"]);
      },
      says: [/team-a\/builder: it may use web_fetch/],
      given: { reachingTools: ["web_fetch"] },
    },
    {
      label: "agents that talk to agents",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "tools", "agentToAgent", "enabled"], true);
      },
      says: [/team-a: openclaw\.tools\.agentToAgent\.enabled is not false/],
    },
    {
      label: "sessions of everybody",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "tools", "sessions", "visibility"], "all");
      },
      says: [/team-a: openclaw\.tools\.sessions\.visibility is not "agent"/],
    },
    {
      label: "elevated by default",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "agents", "defaults", "elevatedDefault"], "on");
      },
      says: [/team-a: openclaw\.agents\.defaults\.elevatedDefault is not "off"/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["openclaw", "tools", "elevated", "enabled"]],
    ["Gateway", "team-a", ["openclaw", "tools", "exec", "mode"]],
    ["Gateway", "team-a", ["openclaw", "tools", "sessions", "visibility"]],
    ["Agent", "team-a/builder", ["permissions", "exec"]],
    ["Agent", "team-a/builder", ["permissions", "preset"]],
    ["Agent", "team-a/builder", ["trustBoundary"]],
    ["Agent", "team-a/builder", ["openclaw", "tools", "elevated"]],
    ["Agent", "team-a/builder", ["openclaw", "tools", "exec", "mode"]],
    ["Agent", "team-a/builder", ["openclaw", "tools", "deny"]],
  ],
});
