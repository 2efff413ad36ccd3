import { Option, type Command } from "commander";
import project from "../../package.json" with { type: "json" };
import { audit } from "../audit/audit.ts";
import { check, CHECK_STATUS, type Check } from "../check/check.ts";
import { checkMarkdown, checkSarif, checkText } from "../check/report.ts";
import { common, note, open, run, withFleet, withPolicies, type Result, type RunFlags } from "../command-line.ts";
import { interruptSignal } from "../interrupt.ts";

interface CheckFlags extends RunFlags {
  readonly sarif?: true;
  readonly markdown?: true;
}

function checked(found: Check, flags: Pick<CheckFlags, "sarif" | "markdown">): Result {
  const sarif = checkSarif(found, project.version);
  const text = flags.markdown === true ? checkMarkdown(found) : checkText(found);
  return {
    json: found,
    text: flags.sarif === true ? JSON.stringify(sarif, null, 2) : text,
    status: CHECK_STATUS[found.verdict],
  };
}

async function checkFleet(flags: CheckFlags): Promise<Result> {
  return checked(await check(() => open(flags)), flags);
}

async function auditOf(flags: CheckFlags, names: readonly string[]): Promise<Result> {
  const signal = interruptSignal(note);
  const { policyConfig, ...others } = flags;
  const stack = await open(others, { signal, policyPack: false });
  const options = { names, progress: note, signal, ...(policyConfig !== undefined && { policyConfig }) };
  return checked(await audit(stack, options), flags);
}

const EXIT_HELP = "\nExit status: 0 clean, 1 violations, 2 could not decide.";
const sarif = (): Option => new Option("--sarif", "SARIF 2.1.0, for code scanning").conflicts(["json", "markdown"]);

export function checkCommand(): Command {
  return withPolicies(withFleet(common("check", "ask the policies about the fleet; contacts no machine")))
    .addOption(sarif())
    .addOption(new Option("--markdown", "a table for a pull request or a ticket").conflicts("json"))
    .addHelpText("after", EXIT_HELP)
    .action((flags: CheckFlags) => run(flags, () => checkFleet(flags)));
}

export function auditCommand(): Command {
  return withPolicies(
    common("audit", "hold the live machines to the rules, with OpenClaw's own audits; changes nothing"),
  )
    .argument("[names...]", "nodes or gateways; default all")
    .addOption(sarif())
    .addOption(new Option("--markdown", "a table for a ticket").conflicts("json"))
    .addHelpText("after", EXIT_HELP)
    .action((names: string[], flags: CheckFlags) => run(flags, () => auditOf(flags, names)));
}
