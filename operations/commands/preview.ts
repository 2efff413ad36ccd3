import type { Command } from "commander";
import { common, open, run, withFleet, withPolicies, type Result, type RunFlags } from "../command-line.ts";
import { plannedText } from "../report.ts";

async function preview(flags: RunFlags): Promise<Result> {
  const report = await (await open(flags)).preview();
  return { json: report, text: plannedText(report) };
}

export function previewCommand(): Command {
  return withPolicies(withFleet(common("preview", "show what `up` would do; contacts no machine"))).action(
    (flags: RunFlags) => run(flags, () => preview(flags)),
  );
}
