import { gh203 } from "../../policies/src/rules/gh203-host-exec-alone.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh203, {
  faults: [
    {
      label: "an agent with host exec beside another",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["openclaw", "tools", "exec"], { host: "gateway", mode: "full" });
        stack.set("Agent", "team-a/builder", ["openclaw", "sandbox"], { mode: "off" });
      },
      says: [/team-a\/builder: it may run commands on the host and shares its gateway with team-a\/research\./],
    },
    {
      label: "an agent that comes after one with host exec",
      plant: (stack) => {
        stack.set("Agent", "team-a/research", ["openclaw", "tools", "exec"], { host: "gateway", mode: "full" });
      },
      says: [/team-a\/builder: it shares its gateway with team-a\/research, which may run commands on the host/],
    },
    {
      label: "a sandbox that is not for everything",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["openclaw", "sandbox", "mode"], "non-main");
      },
      says: [/team-a\/builder: it may run commands on the host/],
    },
    {
      label: "a second agent in an operator's gateway",
      plant: (stack) => {
        stack.set("Agent", "team-a/research", ["gateway"], "team-b");
      },
      says: [
        /: it (may run commands on the host and shares its gateway with team-a\/research|shares its gateway with team-b\/hands, which)/,
      ],
    },
  ],
  needs: [
    ["Agent", "team-a/builder", ["gateway"]],
    ["Agent", "team-a/builder", ["openclaw"]],
    ["Agent", "team-a/builder", ["openclaw", "tools", "exec", "mode"]],
    ["Agent", "team-a/builder", ["openclaw", "tools", "exec", "host"]],
    ["Agent", "team-a/builder", ["openclaw", "sandbox", "mode"]],
  ],
});
