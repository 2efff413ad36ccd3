import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { common, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { OperationError } from "../error.ts";
import { principalKey, writePrivateKey } from "../private-key.ts";

interface KeyFlags extends CommonFlags {
  readonly out: string;
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

export function secretCommand(): Command {
  return common("secret", "store a secret from stdin in the stack's encrypted settings")
    .argument("<key>", "name, referred to as pulumi://KEY")
    .action((key: string, flags: CommonFlags) => run(flags, () => secret(flags, key)));
}

export function principalKeyCommand(): Command {
  return common(
    "principal-key",
    "write the private SSH key that was made for a runner or a person into a new private file",
  )
    .argument("<principal>", "name of one of the fleet's principals")
    .requiredOption("--out <file>", "file that is made, 0600; one that exists is refused")
    .action((principal: string, flags: KeyFlags) => run(flags, () => principalKeyFile(flags, principal)));
}
