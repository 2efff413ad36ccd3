import type { Command } from "commander";
import { common, days, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { credentialsText, dated } from "../credentials.ts";
import { publicOutputs } from "../outputs.ts";
import { outputsText } from "../report.ts";

interface CredentialsFlags extends CommonFlags {
  readonly dueWithin: number;
}

async function outputs(flags: CommonFlags): Promise<Result> {
  const shown = publicOutputs(await (await open(flags)).outputs());
  return { json: shown, text: outputsText(shown) };
}

async function credentials(flags: CredentialsFlags): Promise<Result> {
  const { ledger } = await (await open(flags)).outputs();
  const lines = dated(ledger, new Date(), flags.dueWithin);
  return { json: { credentials: lines }, text: credentialsText(lines) };
}

export function outputsCommand(): Command {
  return common("outputs", "show the gateways, their versions and fingerprints").action((flags: CommonFlags) =>
    run(flags, () => outputs(flags)),
  );
}

export function credentialsCommand(): Command {
  return common("credentials", "list every credential: whose it is, where it is kept, how old it is, when it is due")
    .option("--due-within <days>", "days before its due date from which a credential counts as due", days, 14)
    .action((flags: CredentialsFlags) => run(flags, () => credentials(flags)));
}
