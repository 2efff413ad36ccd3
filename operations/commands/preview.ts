import type { Command } from "commander";
import { common, open, run, withFleet, withPolicies, type Result, type RunFlags } from "../command-line.ts";
import { plannedText } from "../report.ts";

interface PreviewFlags extends RunFlags {
  readonly refresh?: true;
}

async function preview(flags: PreviewFlags): Promise<Result> {
  const report = await (await open(flags)).preview({ refresh: flags.refresh === true });
  return { json: report, text: plannedText(report) };
}

export function previewCommand(): Command {
  return withPolicies(withFleet(common("preview", "show what `up` would do; contacts no machine")))
    .option("--refresh", "look at the machines first: shows what `up --refresh` would do")
    .action((flags: PreviewFlags) => run(flags, () => preview(flags)));
}
