import type { Command } from "commander";
import { common, note, open, run, withFleet, withPolicies, type Result, type RunFlags } from "../command-line.ts";
import { confirm } from "../confirm.ts";
import { publicOutputs } from "../outputs.ts";
import { recorded } from "../record/recorded.ts";
import { doneText, outputsText, plannedText } from "../report.ts";

interface UpFlags extends RunFlags {
  readonly refresh?: true;
}

async function up(flags: UpFlags): Promise<Result> {
  const stack = await open(flags);
  const refresh = flags.refresh === true;
  if (flags.yes !== true) {
    note(plannedText(await stack.preview({ refresh })));
    await confirm("Apply this?");
  }
  const { value: report } = await recorded(stack, "up", note, async (begun) => {
    const done = await stack.up({
      refresh,
      inspect: () => begun(),
    });
    return { value: done, outputs: done.outputs, report: done };
  });
  const outputs = publicOutputs(report.outputs);
  return { json: { ...report, outputs }, text: `${outputsText(outputs)}\n${doneText(report)}` };
}

async function destroy(flags: RunFlags): Promise<Result> {
  const stack = await open(flags);
  if (flags.yes !== true) await confirm("This stops and removes every gateway of the stack.");
  const { value: report } = await recorded(stack, "destroy", note, async (begun) => {
    await begun();
    return { value: await stack.destroy() };
  });
  return { json: report, text: doneText(report) };
}

export function upCommand(): Command {
  return withPolicies(withFleet(common("up", "make the machines what the fleet says")))
    .option("--refresh", "look at the machines first, and mend what drifted")
    .option("--yes", "without a question")
    .action((flags: UpFlags) => run(flags, () => up(flags)));
}

export function destroyCommand(): Command {
  return common("destroy", "stop and remove every gateway; state and workspaces stay unless the fleet says to purge")
    .option("--yes", "without a question")
    .action((flags: RunFlags) => run(flags, () => destroy(flags)));
}
