import { Option, type Command } from "commander";
import { common, note, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { confirm } from "../confirm.ts";
import { interruptSignal } from "../interrupt.ts";
import { planText, rollbackText } from "../rollback/report.ts";
import { rollback } from "../rollback/rollback.ts";

interface RollbackFlags extends CommonFlags {
  readonly to?: string;
  readonly restoreState?: true;
  readonly bothLayers?: string;
  readonly yes?: true;
}

async function rollbackOne(flags: RollbackFlags, gateway: string): Promise<Result> {
  const signal = interruptSignal(note);
  const stack = await open(flags, { signal, policyPack: false });
  const state = flags.restoreState === true ? "restore snapshot" : "keep";
  const done = await rollback(
    stack,
    { gateway, to: flags.to, state, together: flags.bothLayers },
    {
      progress: note,
      signal,
      approve: async (plan) => {
        note(planText(plan));
        if (flags.yes !== true) await confirm(`Roll ${gateway} back? It restarts.`);
      },
    },
  );
  return { json: done, text: rollbackText(done) };
}

export function rollbackCommand(): Command {
  return common("rollback", "make an earlier generation of a gateway live again, from its node, proven and recorded")
    .argument("<gateway>", "gateway that goes back")
    .option("--to <generation>", "which one, g-…; default the one that was live before")
    .option("--restore-state", "let OpenClaw's state be the one that its older version left, where that needs it")
    .addOption(
      new Option("--both-layers <reason>", "let gateway token and provider keys change in one step, and say why"),
    )
    .option("--yes", "without a question")
    .action((gateway: string, flags: RollbackFlags) => run(flags, () => rollbackOne(flags, gateway)));
}
