import { Command, InvalidArgumentError, Option } from "commander";
import { EXIT_STATUS, EXIT_STATUS_HELP, exitStatusOf, failuresOf, printFailures } from "../operations/exit.ts";
import { interruptSignal } from "../operations/interrupt.ts";
import { PLATFORMS } from "../spec/index.ts";
import { demoDown } from "./down.ts";
import { demoPaths } from "./settings.ts";
import { demoStatus } from "./status.ts";
import { demoUp, type UpFlags } from "./up.ts";

const note = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Ends with status 0 when the command says that all is well. */
async function run(command: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await command()) ? EXIT_STATUS.ok : EXIT_STATUS.failed;
  } catch (error) {
    const failures = failuresOf(error);
    printFailures(failures);
    process.exitCode = exitStatusOf(failures);
  }
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) throw new InvalidArgumentError("expected 1 to 65535.");
  return value;
}

const plugins = (): Option =>
  new Option("--plugins <which>", "official plugins, air-gapped stand-ins, or what is there")
    .choices(["auto", "official", "stand-in"])
    .default("auto");

// the demo's state is its own: settings for the operator's stacks are not for it
for (const name of ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"]) {
  Reflect.deleteProperty(process.env, name);
}
const paths = demoPaths(process.env);

const up = new Command("up")
  .description("make the demo, or bring it up again (the default)")
  .addOption(
    new Option(
      "--platform <kind>",
      "of the machine; a throw-away node for macos is a stand-in for a Mac; default linux",
    ).choices(PLATFORMS),
  )
  .option("--host <user@host>", "a machine of your own instead of the throw-away node (sudo without password)")
  .option("--port <number>", "port of its sshd; default 22", port)
  .option("--identity <file>", "private key for it; default ~/.ssh/id_ed25519")
  .option("--host-key <key>", "its ed25519 host key; default what ~/.ssh/known_hosts says")
  .addOption(plugins())
  .action((flags: UpFlags) => run(() => demoUp(flags, paths, interruptSignal(note))));

const program = new Command("npm run demo --")
  .description("A real OpenClaw gateway with two agents on a throw-away node, provisioned over SSH.")
  .addHelpText("after", () => `\n${up.helpInformation()}\nEverything is kept in ${paths.root}.\n${EXIT_STATUS_HELP}`)
  .addCommand(up, { isDefault: true })
  .addCommand(
    new Command("status")
      .description("how it is now, read on the machine; status 0 when every gateway is ready")
      .option("--json", "one JSON document on stdout")
      .action(({ json }: { json?: true }) => run(() => demoStatus(json === true, paths))),
  )
  .addCommand(
    new Command("down")
      .description("remove everything of it")
      .addOption(plugins())
      .action((flags: Pick<UpFlags, "plugins">) =>
        run(async () => {
          await demoDown(flags.plugins, paths, note);
          return true;
        }),
      ),
  );
for (const command of [program, ...program.commands]) {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage));
}
await program.parseAsync();
