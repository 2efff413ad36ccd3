import { gh205 } from "../../policies/src/rules/gh205-keys-in-the-unit.ts";
import { ruleContract, CANARY } from "./stack.ts";

ruleContract(gh205, {
  faults: [
    {
      label: "a gateway that is not in the stack",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["gateway"], "team-z");
      },
      says: [/team-a\/builder: the gateway team-z that it names is not declared/],
    },
    {
      label: "a key in clear",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("[Install]", `Environment=ANTHROPIC_API_KEY=${CANARY}\n[Install]`),
        );
      },
      says: [/team-a: its unit has ANTHROPIC_API_KEY in clear/],
    },
    {
      label: "a token in clear",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("[Install]", `Environment="OPENCLAW_GATEWAY_TOKEN=${CANARY}"\n[Install]`),
        );
      },
      says: [/team-a: its unit has OPENCLAW_GATEWAY_TOKEN in clear/],
    },
    {
      label: "no environment file",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) => unit.replace(/^EnvironmentFile=.*$/m, ""));
      },
      says: [/team-a: its unit has no EnvironmentFile/],
    },
    {
      label: "a variable that the unit does not carry",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "variable"], "OPENCLAW_AGENT_OTHER_KEY");
      },
      says: [/team-a\/builder: the unit of team-a does not carry OPENCLAW_AGENT_OTHER_KEY/],
    },
    {
      label: "a key by file, and no file",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "delivery"], "file");
      },
      says: [/team-a\/builder: team-a has no private file that carries OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY/],
    },
    {
      label: "a node that reads keys, without the launcher",
      plant: (stack) => {
        stack.edit("Gateway", "team-c", ["unitText"], (unit) => unit.replace(/ \S+launch\.mjs/, ""));
      },
      says: [/team-c\/runner: the unit of team-c does not start the launcher/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["unitText"]],
    ["Gateway", "team-a", ["platform"]],
    ["Gateway", "team-a", ["openclaw", "secrets", "providers", "default", "allowlist"]],
    ["Agent", "team-a/builder", ["credentials", 0, "variable"]],
    ["Agent", "team-a/builder", ["gateway"]],
    ["Agent", "team-a/builder", ["credentials"]],
  ],
});
