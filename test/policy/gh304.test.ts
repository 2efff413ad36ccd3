import { gh304 } from "../../policies/src/rules/gh304-one-runtime-on-path.ts";
import { ruleContract } from "./stack.ts";

ruleContract(gh304, {
  faults: [
    {
      label: "a home directory first",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace("Environment=PATH=", "Environment=PATH=/home/oc/.nvm/bin:"),
        );
      },
      says: [
        /team-a: its PATH does not begin with the directory of the Node/,
        /team-a: its PATH has a directory that could hold another/,
      ],
    },
    {
      label: "another package manager behind",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace(":/usr/local/bin:", ":/opt/homebrew/bin:/usr/local/bin:"),
        );
      },
      says: [/team-a: its PATH has a directory that could hold another Node or OpenClaw/],
    },
    {
      label: "no PATH",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) => unit.replace(/^Environment=PATH=.*\n/m, ""));
      },
      says: [/team-a: its unit has no PATH/],
    },
    {
      label: "two starts",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace(
            "Restart=always",
            "ExecStart=/usr/bin/node /x/node_modules/openclaw/dist/index.js\nRestart=always",
          ),
        );
      },
      says: [
        /team-a: its unit has 2 ExecStart lines, not one/,
        /team-a: its unit names 2 installations of OpenClaw, not one/,
      ],
    },
    {
      label: "another installation",
      plant: (stack) => {
        stack.edit("Gateway", "team-a", ["unitText"], (unit) =>
          unit.replace(/ExecStart=.*/, "ExecStart=/usr/bin/openclaw gateway"),
        );
      },
      says: [/team-a: its PATH does not begin/, /team-a: its unit names 0 installations of OpenClaw/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["unitText"]],
    ["Gateway", "team-a", ["platform"]],
  ],
});
