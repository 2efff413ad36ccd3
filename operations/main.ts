import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import { readFleetFile, stackNameOf } from "./config-file.ts";
import project from "../package.json" with { type: "json" };
import { audit } from "./audit/audit.ts";
import { check, CHECK_STATUS, type Check } from "./check/check.ts";
import { checkMarkdown, checkSarif, checkText } from "./check/report.ts";
import { confirm } from "./confirm.ts";
import { credentialsText, dated } from "./credentials.ts";
import { writeBundle } from "./diagnose/bundle.ts";
import { diagnose } from "./diagnose/diagnose.ts";
import { diagnosisText } from "./diagnose/report.ts";
import { VERDICT_HELP, VERDICT_STATUS } from "./diagnose/table.ts";
import type { PluginChoice } from "./engine.ts";
import { OperationError } from "./error.ts";
import { drift, DRIFT_STATUS, repair } from "./drift/drift.ts";
import { driftText, repairText } from "./drift/report.ts";
import { EXIT_STATUS, EXIT_STATUS_HELP, exitStatusOf, failuresOf, printFailures } from "./exit.ts";
import { interruptSignal } from "./interrupt.ts";
import { publicOutputs } from "./outputs.ts";
import { principalKey, writePrivateKey } from "./private-key.ts";
import { doneText, outputsText, plannedText } from "./report.ts";
import { mermaid, svg } from "./map/draw.ts";
import { fleetMap } from "./map/graph.ts";
import { stackFleet, violatedRules, writeImage } from "./map/sources.ts";
import { recorded } from "./record/recorded.ts";
import { lastEntries, recordMarkdown, recordText, verified } from "./record/report.ts";
import { readRecord } from "./record/store.ts";
import { rotate } from "./rotate.ts";
import { rotationText, targetText, type RotationTarget } from "./rotation.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { isUnreachable } from "./visit/connect.ts";
import { openStack, type GatehouseStack, type OpenStackOptions } from "./stack.ts";

interface CommonFlags {
  readonly stack?: string;
  readonly stateDir?: string;
  readonly plugins: PluginChoice;
  readonly json?: true;
}
interface CredentialsFlags extends CommonFlags {
  readonly dueWithin: number;
}
interface PolicyFlags extends CommonFlags {
  readonly policyConfig?: string;
}
interface RotateFlags extends PolicyFlags {
  readonly agent?: string;
  readonly provider?: string;
  readonly token?: true;
  readonly yes?: true;
}
interface KeyFlags extends CommonFlags {
  readonly out: string;
}
interface CheckFlags extends RunFlags {
  readonly sarif?: true;
  readonly markdown?: true;
}
interface MapFlags extends RunFlags {
  readonly svg?: string;
  readonly check?: true;
}
interface DiagnoseFlags extends CommonFlags {
  readonly agent?: string;
  readonly symptom?: string;
  readonly since: number;
  readonly client?: string;
  readonly bundle?: string;
}
interface DriftFlags extends CommonFlags {
  readonly repair?: true;
  readonly yes?: true;
}
interface RecordFlags extends CommonFlags {
  readonly last: number;
  readonly markdown?: true;
  readonly head?: string;
}
interface RunFlags extends PolicyFlags {
  readonly config?: string;
  readonly yes?: true;
}

/** What a command shows: one JSON document, or text for people. */
interface Result {
  readonly json: unknown;
  readonly text: string;
  /** Default 0. */
  readonly status?: number;
}

const note = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function open(flags: RunFlags, more: Partial<OpenStackOptions> = {}): Promise<GatehouseStack> {
  const stack = flags.stack ?? (flags.config === undefined ? undefined : stackNameOf(flags.config));
  if (stack === undefined) {
    throw OperationError.of("stack-name", "no stack is named", "give --stack NAME, or --config Pulumi.NAME.yaml");
  }
  return openStack({
    stack,
    plugins: flags.plugins,
    progress: note,
    signal: more.signal ?? interruptSignal(note),
    ...more,
    ...(flags.stateDir !== undefined && { stateDir: flags.stateDir }),
    ...(flags.policyConfig !== undefined && { policyConfig: flags.policyConfig }),
    ...(flags.config !== undefined && { fleet: await readFleetFile(flags.config) }),
  });
}

async function preview(flags: RunFlags): Promise<Result> {
  const report = await (await open(flags)).preview();
  return { json: report, text: plannedText(report) };
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

async function drawMap(flags: MapFlags): Promise<Result> {
  const stack = await open(flags, flags.check === true ? {} : { policyPack: false });
  const fleet = await stackFleet(stack);
  const found = flags.check === true ? await check(() => Promise.resolve(stack)) : undefined;
  if (found?.verdict === "undecided") note("the policies could not be asked: no violation is marked");
  const map = fleetMap(fleet, violatedRules(found?.violations ?? []));
  if (flags.svg === undefined) return { json: map, text: mermaid(map) };
  await writeImage(flags.svg, await svg(map));
  return { json: map, text: `wrote ${flags.svg}` };
}

async function up(flags: RunFlags): Promise<Result> {
  const stack = await open(flags);
  if (flags.yes !== true) {
    note(plannedText(await stack.preview()));
    await confirm("Apply this?");
  }
  const { value: report } = await recorded(stack, "up", note, async (begun) => {
    const done = await stack.up({
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

async function outputs(flags: CommonFlags): Promise<Result> {
  const shown = publicOutputs(await (await open(flags)).outputs());
  return { json: shown, text: outputsText(shown) };
}

async function credentials(flags: CredentialsFlags): Promise<Result> {
  const { ledger } = await (await open(flags)).outputs();
  const lines = dated(ledger, new Date(), flags.dueWithin);
  return { json: { credentials: lines }, text: credentialsText(lines) };
}

function rotationTarget(gateway: string, { agent, provider, token }: RotateFlags): RotationTarget {
  if (token === true && agent === undefined && provider === undefined) return { gateway, track: "gateway" };
  if (token === undefined && agent !== undefined && provider !== undefined) {
    return { gateway, track: "provider", agent, provider };
  }
  throw OperationError.of(
    "input",
    "one rotation changes one layer of a gateway",
    "give either --token, or --agent AGENT and --provider PROVIDER",
  );
}

async function rotateOne(flags: RotateFlags, gateway: string): Promise<Result> {
  const target = rotationTarget(gateway, flags);
  const stack = await open(flags);
  if (flags.yes !== true) await confirm(`Rotate ${targetText(target)}? Its gateway restarts.`);
  const { rotation, seconds, record } = await rotate(stack, target, note);
  const text = `${rotationText(rotation)}\n  ${seconds.toFixed(1)} s in all; entry ${record.seq} of ${record.path}`;
  return { json: { ...rotation, seconds, record }, text };
}

async function diagnoseOne(flags: DiagnoseFlags, gateway: string): Promise<Result> {
  const { since, bundle, agent, symptom, client } = flags;
  const signal = interruptSignal(note);
  const stack = await open(flags, { signal, policyPack: false });
  const diagnosis = await diagnose(stack, {
    gateway,
    sinceSeconds: since,
    ...(agent !== undefined && { agent }),
    ...(symptom !== undefined && { symptom }),
    ...(client !== undefined && { client }),
    progress: note,
    signal,
  });
  for (const path of bundle === undefined ? [] : await writeBundle(bundle, diagnosis)) note(`wrote ${path}`);
  return { json: diagnosis, text: diagnosisText(diagnosis), status: VERDICT_STATUS[diagnosis.verdict] };
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

function recordPlace({ stack, stateDir }: RecordFlags): { readonly stack: string; readonly stateDir: string } {
  if (stack === undefined) throw OperationError.of("stack-name", "no stack is named", "give --stack NAME");
  return { stack, stateDir: stateDir ?? defaultStateDirectory(process.env) };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function span(text: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  if (seconds < 1 || seconds > 7 * 86_400)
    throw new InvalidArgumentError("expected a time like 30m, 1h or 2d, up to 7d");
  return seconds;
}

function days(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError("expected a number of days, 0 to 9999");
  return Number(text);
}

async function secret(flags: CommonFlags, key: string): Promise<Result> {
  if (process.stdin.isTTY) {
    throw OperationError.of("secret", "the value comes from stdin", `run \`gatehouse secret ${key} < FILE\``);
  }
  const value = (await text(process.stdin)).replace(/\r?\n$/, "");
  await open(flags, { secrets: { [key]: value } });
  return { json: { stored: key }, text: `stored ${key}; a fleet refers to it as pulumi://${key}` };
}

async function principalKeyFile(flags: KeyFlags, principal: string): Promise<Result> {
  const outputs = await (await open(flags)).outputs();
  await writePrivateKey(flags.out, principalKey(outputs, principal));
  return {
    json: { principal, file: flags.out },
    text: `wrote the private SSH key of ${principal} to ${flags.out}, for you alone; hand it over and delete it`,
  };
}

/** Runs one command and ends with its status. Results are on stdout, everything else on stderr. */
async function run(flags: CommonFlags, command: () => Promise<Result>): Promise<void> {
  const show = ({ json, text: forPeople }: Result): void => {
    process.stdout.write(`${flags.json === true ? JSON.stringify(json, null, 2) : forPeople}\n`);
  };
  try {
    const result = await command();
    show(result);
    process.exitCode = result.status ?? EXIT_STATUS.ok;
  } catch (error) {
    const failures = failuresOf(error);
    printFailures(failures);
    if (flags.json === true) show({ json: { failures }, text: "" });
    process.exitCode = exitStatusOf(failures);
  }
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--stack <name>", "stack to work on; default NAME of --config Pulumi.NAME.yaml")
    .option("--state-dir <directory>", "passphrase, settings and state (0700); default ~/.local/state/gatehouse")
    .addOption(
      new Option("--plugins <which>", "official plugins, air-gapped stand-ins, or what is there")
        .choices(["auto", "official", "stand-in"])
        .default("auto"),
    )
    .option("--json", "one JSON document on stdout");
}

function withFleet(command: Command): Command {
  return command.option("--config <file>", "fleet as YAML; default what the stack was given last");
}

function withPolicies(command: Command): Command {
  return command.option("--policy-config <file>", "JSON with levels, parameters and exceptions of the policies");
}

const program = new Command("gatehouse")
  .description("Provisions OpenClaw gateways over SSH with the Pulumi engine.")
  .addHelpText("after", `\nSecrets are never shown. ${EXIT_STATUS_HELP}`)
  .configureHelp({ showGlobalOptions: true })
  .addCommand(
    withPolicies(withFleet(common("preview", "show what `up` would do; contacts no machine"))).action(
      (flags: RunFlags) => run(flags, () => preview(flags)),
    ),
  )
  .addCommand(
    withPolicies(withFleet(common("map", "draw who reaches what, as a Mermaid flowchart; contacts no machine")))
      .option("--svg <file>", "as an image, into a file")
      .option("--check", "ask the policies, too, and mark what they refuse")
      .action((flags: MapFlags) => run(flags, () => drawMap(flags))),
  )
  .addCommand(
    withPolicies(withFleet(common("check", "ask the policies about the fleet; contacts no machine")))
      .addOption(new Option("--sarif", "SARIF 2.1.0, for code scanning").conflicts(["json", "markdown"]))
      .addOption(new Option("--markdown", "a table for a pull request or a ticket").conflicts("json"))
      .addHelpText("after", "\nExit status: 0 clean, 1 violations, 2 could not decide.")
      .action((flags: CheckFlags) => run(flags, () => checkFleet(flags))),
  )
  .addCommand(
    withPolicies(withFleet(common("up", "make the machines what the fleet says")))
      .option("--yes", "without a question")
      .action((flags: RunFlags) => run(flags, () => up(flags))),
  )
  .addCommand(
    common("destroy", "stop and remove every gateway; state and workspaces stay unless the fleet says to purge")
      .option("--yes", "without a question")
      .action((flags: RunFlags) => run(flags, () => destroy(flags))),
  )
  .addCommand(
    common("outputs", "show the gateways, their versions and fingerprints").action((flags: CommonFlags) =>
      run(flags, () => outputs(flags)),
    ),
  )
  .addCommand(
    common("credentials", "list every credential: whose it is, where it is kept, how old it is, when it is due")
      .option("--due-within <days>", "days before its due date from which a credential counts as due", days, 14)
      .action((flags: CredentialsFlags) => run(flags, () => credentials(flags))),
  )
  .addCommand(
    withPolicies(common("rotate", "rotate one credential in a closed loop, proven on the node and recorded"))
      .argument("<gateway>", "gateway whose token, or whose agent's key, is rotated")
      .option("--token", "the gateway token")
      .option("--agent <id>", "the agent whose key is rotated, with --provider")
      .option("--provider <id>", "the model provider that the key is for")
      .option("--yes", "without a question")
      .action((gateway: string, flags: RotateFlags) => run(flags, () => rotateOne(flags, gateway))),
  )
  .addCommand(
    common("principal-key", "write the private SSH key that was made for a runner or a person into a new private file")
      .argument("<principal>", "name of one of the fleet's principals")
      .requiredOption("--out <file>", "file that is made, 0600; one that exists is refused")
      .action((principal: string, flags: KeyFlags) => run(flags, () => principalKeyFile(flags, principal))),
  )
  .addCommand(
    common("diagnose", "say which layer of a gateway failed, on what evidence, and what to run next; changes nothing")
      .argument("<gateway>", "gateway to look at")
      .option("--agent <id>", "look at the provider track of this agent only")
      .option("--symptom <text>", "the error text as it was shown")
      .addOption(
        new Option("--since <time>", "how far back its log is read: 30m, 1h, 2d").argParser(span).default(3600, "1h"),
      )
      .option(
        "--client <directory>",
        "look at the OpenClaw client with this state directory, too; default with a session's symptom: your own",
      )
      .option("--bundle <directory>", "write JSON, Markdown and the scrubbed log there, for a ticket")
      .addHelpText("after", `\n${VERDICT_HELP}`)
      .action((gateway: string, flags: DiagnoseFlags) => run(flags, () => diagnoseOne(flags, gateway))),
  )
  .addCommand(
    withPolicies(common("audit", "hold the live machines to the rules, with OpenClaw's own audits; changes nothing"))
      .argument("[names...]", "nodes or gateways; default all")
      .addOption(new Option("--sarif", "SARIF 2.1.0, for code scanning").conflicts(["json", "markdown"]))
      .addOption(new Option("--markdown", "a table for a ticket").conflicts("json"))
      .addHelpText("after", "\nExit status: 0 clean, 1 violations, 2 could not decide.")
      .action((names: string[], flags: CheckFlags) => run(flags, () => auditOf(flags, names))),
  )
  .addCommand(
    common("drift", "say what on the machines is not as the last update left it, and who likely changed it")
      .argument("[names...]", "nodes or gateways; default all")
      .option("--repair", "put it back, from what is on the machine; restarts a gateway where it has to")
      .option("--yes", "with --repair: without a question")
      .addHelpText(
        "after",
        "\nExit status: 0 no drift (with --repair: none is left), 1 drift, 2 a machine gave no answer or not everything could be looked at, or wrong usage.",
      )
      .action((names: string[], flags: DriftFlags) => run(flags, () => driftOf(flags, names))),
  )
  .addCommand(
    new Command("record")
      .description(
        "the change record: every up, rotate, repair and destroy of a stack, each line with the hash of the one before",
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
      ),
  )
  .addCommand(
    common("secret", "store a secret from stdin in the stack's encrypted settings")
      .argument("<key>", "name, referred to as pulumi://KEY")
      .action((key: string, flags: CommonFlags) => run(flags, () => secret(flags, key))),
  );
for (const command of [program, ...program.commands]) {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage));
}
await program.parseAsync();
