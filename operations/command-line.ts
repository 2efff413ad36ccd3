import { Command, InvalidArgumentError, Option } from "commander";
import { readFleetFile, stackNameOf } from "./config-file.ts";
import type { PluginChoice } from "./engine.ts";
import { OperationError } from "./error.ts";
import { EXIT_STATUS, exitStatusOf, failuresOf, printFailures } from "./exit.ts";
import { interruptSignal } from "./interrupt.ts";
import { openStack, type GatehouseStack, type OpenStackOptions } from "./stack.ts";

/** What every command takes. */
export interface CommonFlags {
  readonly stack?: string;
  readonly stateDir?: string;
  readonly plugins: PluginChoice;
  readonly json?: true;
}
export interface PolicyFlags extends CommonFlags {
  readonly policyConfig?: string;
}
export interface RunFlags extends PolicyFlags {
  readonly config?: string;
  readonly yes?: true;
}

/** What a command shows: one JSON document, or text for people. */
export interface Result {
  readonly json: unknown;
  readonly text: string;
  /** Default 0. */
  readonly status?: number;
}

/** One line for people, on stderr. */
export const note = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** @throws {OperationError} `stack-name` when none is named. */
export async function open(flags: RunFlags, more: Partial<OpenStackOptions> = {}): Promise<GatehouseStack> {
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

/** Runs one command and ends with its status. Results are on stdout, everything else on stderr. */
export async function run(flags: CommonFlags, command: () => Promise<Result>): Promise<void> {
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

/** A command with the options that all have. */
export function common(name: string, description: string): Command {
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

export function withFleet(command: Command): Command {
  return command.option("--config <file>", "fleet as YAML; default what the stack was given last");
}

export function withPolicies(command: Command): Command {
  return command.option("--policy-config <file>", "JSON with levels, parameters and exceptions of the policies");
}

/** A whole number of days or of things, 0 to 9999. */
export function days(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError("expected a number of days, 0 to 9999");
  return Number(text);
}
