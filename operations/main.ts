import { Command } from "commander";
import { auditCommand, checkCommand } from "./commands/check.ts";
import { diagnoseCommand } from "./commands/diagnose.ts";
import { driftCommand } from "./commands/drift.ts";
import { mapCommand } from "./commands/map.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { credentialsCommand, outputsCommand } from "./commands/outputs.ts";
import { previewCommand } from "./commands/preview.ts";
import { recordCommand } from "./commands/record.ts";
import { rollbackCommand } from "./commands/rollback.ts";
import { rotateCommand } from "./commands/rotate.ts";
import { principalKeyCommand, secretCommand } from "./commands/secret.ts";
import { destroyCommand, upCommand } from "./commands/up.ts";
import { EXIT_STATUS, EXIT_STATUS_HELP } from "./exit.ts";

const program = new Command("gatehouse")
  .description("Provisions OpenClaw gateways over SSH with the Pulumi engine.")
  .addHelpText("after", `\nSecrets are never shown. ${EXIT_STATUS_HELP}`)
  .configureHelp({ showGlobalOptions: true })
  .addCommand(previewCommand())
  .addCommand(mapCommand())
  .addCommand(checkCommand())
  .addCommand(upCommand())
  .addCommand(destroyCommand())
  .addCommand(outputsCommand())
  .addCommand(credentialsCommand())
  .addCommand(rotateCommand())
  .addCommand(rollbackCommand())
  .addCommand(principalKeyCommand())
  .addCommand(diagnoseCommand())
  .addCommand(auditCommand())
  .addCommand(driftCommand())
  .addCommand(metricsCommand())
  .addCommand(recordCommand())
  .addCommand(secretCommand());
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT_STATUS.ok : EXIT_STATUS.usage));
}
await program.parseAsync();
