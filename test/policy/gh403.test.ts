import { gh403 } from "../../policies/src/rules/gh403-no-funnel.ts";
import { ruleContract, UNKNOWN } from "./stack.ts";

ruleContract(gh403, {
  faults: [
    {
      label: "a funnel",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tailscale", "mode"], "funnel");
      },
      says: [/team-a: openclaw\.gateway\.tailscale\.mode is funnel/],
    },
    {
      label: "another mode",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["openclaw", "gateway", "tailscale", "mode"], "open");
      },
      says: [/team-a: openclaw\.gateway\.tailscale\.mode is neither off nor serve/],
    },
    {
      label: "a command that turns one on",
      plant: (stack) => {
        stack.add({
          type: "command:remote:Command",
          name: "theirs",
          props: { create: "tailscale --socket=/x funnel --bg 18789" },
        });
      },
      says: [/theirs: create turns on a Tailscale Funnel/],
    },
    {
      label: "a command that nobody knows yet",
      plant: (stack) => {
        stack.add({ type: "command:remote:Command", name: "theirs", props: { create: UNKNOWN } });
      },
      says: [/theirs: create is unknown at preview/],
    },
  ],
  needs: [["Gateway", "team-a", ["openclaw", "gateway", "tailscale", "mode"]]],
});
