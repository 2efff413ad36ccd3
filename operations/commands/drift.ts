import type { Command } from "commander";
import { common, note, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { confirm } from "../confirm.ts";
import { drift, DRIFT_STATUS, repair } from "../drift/drift.ts";
import { driftText, repairText } from "../drift/report.ts";
import { interruptSignal } from "../interrupt.ts";
import { recorded } from "../record/recorded.ts";
import { isUnreachable } from "../visit/connect.ts";

interface DriftFlags extends CommonFlags {
  readonly repair?: true;
  readonly yes?: true;
}

async function driftOf(flags: DriftFlags, names: readonly string[]): Promise<Result> {
  const signal = interruptSignal(note);
  const stack = await open(flags, { signal, policyPack: false });
  const options = { names, progress: note, signal };
  if (flags.repair !== true) {
    const found = await drift(stack, options);
    return { json: found, text: driftText(found), status: DRIFT_STATUS[found.verdict] };
  }
  if (flags.yes !== true) await confirm("This puts drifted gateways back to their live generation; some restart.");
  const { value: mended } = await recorded(stack, "repair", note, async (begun) => {
    await begun();
    const value = await repair(stack, options);
    const done = value.nodes.flatMap(({ node, answer }) =>
      isUnreachable(answer) ? [`${node}: ${answer.message}`] : answer.done.map((line) => `${node}: ${line}`),
    );
    return { value, ...(done.length > 0 && { detail: { verdict: value.verdict, done } }) };
  });
  return { json: mended, text: repairText(mended), status: DRIFT_STATUS[mended.verdict] };
}

export function driftCommand(): Command {
  return common("drift", "say what on the machines is not as the last update left it, and who likely changed it")
    .argument("[names...]", "nodes or gateways; default all")
    .option("--repair", "put it back, from what is on the machine; restarts a gateway where it has to")
    .option("--yes", "with --repair: without a question")
    .addHelpText(
      "after",
      "\nExit status: 0 no drift (with --repair: none is left), 1 drift, 2 a machine gave no answer or not everything could be looked at, or wrong usage.",
    )
    .action((names: string[], flags: DriftFlags) => run(flags, () => driftOf(flags, names)));
}
