import { Command, Option } from "commander";
import { common, days, run, type CommonFlags, type Result } from "../command-line.ts";
import { OperationError } from "../error.ts";
import { lastEntries, recordMarkdown, recordText, verified } from "../record/report.ts";
import { readRecord } from "../record/store.ts";
import { defaultStateDirectory } from "../state-directory.ts";

interface RecordFlags extends CommonFlags {
  readonly last: number;
  readonly markdown?: true;
  readonly head?: string;
}

function recordPlace({ stack, stateDir }: RecordFlags): { readonly stack: string; readonly stateDir: string } {
  if (stack === undefined) throw OperationError.of("stack-name", "no stack is named", "give --stack NAME");
  return { stack, stateDir: stateDir ?? defaultStateDirectory(process.env) };
}

async function showRecord(flags: RecordFlags): Promise<Result> {
  const { stack, stateDir } = recordPlace(flags);
  const entries = lastEntries(await readRecord(stateDir, stack), flags.last);
  return { json: { entries }, text: flags.markdown === true ? recordMarkdown(entries) : recordText(entries) };
}

async function verifyRecord(flags: RecordFlags): Promise<Result> {
  const { stack, stateDir } = recordPlace(flags);
  const found = verified(await readRecord(stateDir, stack), flags.head);
  return {
    json: found,
    text: `${found.entries} entries, each follows the one before; the last one is ${found.head ?? "none"}`,
  };
}

export function recordCommand(): Command {
  return new Command("record")
    .description(
      "the change record: every up, rotate, repair, rollback and destroy of a stack, each line with the hash of the one before",
    )
    .addCommand(
      common("show", "show the last entries")
        .option("--last <count>", "how many", days, 10)
        .addOption(new Option("--markdown", "for the ticket").conflicts("json"))
        .action((flags: RecordFlags) => run(flags, () => showRecord(flags))),
    )
    .addCommand(
      common("verify", "say whether the record is what was written")
        .option("--head <sha256>", "hash from a ticket that has to be in it")
        .addHelpText("after", "\nExit status: 0 it is, 1 something was changed, 2 wrong usage.")
        .action((flags: RecordFlags) => run(flags, () => verifyRecord(flags))),
    );
}
