import { absent, Findings, keysAt, read } from "../read.ts";
import { COMMAND } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh503 = defineRule({
  id: "GH503",
  title: "No environment on remote commands",
  severity: "mandatory",
  reads: "`environment` of every `command:remote:Command`",
  why: "sshd drops variables that its `AcceptEnv` does not name, so the provider falls back to putting them into the command line, where every user of the node reads them.",
  source: "pulumi-command 1.2.1; its issues #48, #430 and #584",
  fix: "pass the values on `stdin`, wrapped in `pulumi.secret`",
  only: COMMAND,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== COMMAND) return [];
    const found = new Findings(props);
    const environment = read(props, "environment");
    if (environment.state === "unknown") found.add(`environment is ${absent(environment)}`);
    if (keysAt(props, "environment").length > 0) found.add("it has an environment");
    if (read(props, "addPreviousOutputInEnv").state === "missing")
      found.add("addPreviousOutputInEnv is not declared, and by default the earlier outputs become its environment");
    else found.expect(false, "addPreviousOutputInEnv");
    return found.problems;
  },
});
