import { Findings, textAt } from "../read.ts";
import { COMMAND } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh502 = defineRule({
  id: "GH502",
  title: "Outputs of remote commands are secret",
  severity: "mandatory",
  reads: "`additionalSecretOutputs` and `logging` of every `command:remote:Command`",
  why: "What a command prints goes to the state in clear and to the terminal of whoever runs Pulumi, line by line. One tool that prints its environment is enough.",
  source: "pulumi-command 1.2.1: stdout and stderr are plain outputs, and the default `logging` prints both",
  fix: 'set `additionalSecretOutputs: ["stdout", "stderr"]` in the resource options and `logging: "none"` in its inputs',
  only: COMMAND,
  parameters: {},
  check: ({ type, props, secretOutputs }) => {
    if (type !== COMMAND) return [];
    const found = new Findings(props);
    for (const output of ["stdout", "stderr"])
      if (!secretOutputs.includes(output)) found.add(`additionalSecretOutputs does not name ${output}`);
    const logging = found.needText("logging");
    if (logging !== undefined && textAt(props, "logging") !== "none") found.add('logging is not "none"');
    return found.problems;
  },
});
