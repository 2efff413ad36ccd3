import type { Command } from "commander";
import { common, note, open, run, withPolicies, type PolicyFlags, type Result } from "../command-line.ts";
import { confirm } from "../confirm.ts";
import { OperationError } from "../error.ts";
import { rotate } from "../rotate.ts";
import { rotationText, targetText, type RotationTarget } from "../rotation.ts";

interface RotateFlags extends PolicyFlags {
  readonly agent?: string;
  readonly provider?: string;
  readonly token?: true;
  readonly yes?: true;
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

export function rotateCommand(): Command {
  return withPolicies(common("rotate", "rotate one credential in a closed loop, proven on the node and recorded"))
    .argument("<gateway>", "gateway whose token, or whose agent's key, is rotated")
    .option("--token", "the gateway token")
    .option("--agent <id>", "the agent whose key is rotated, with --provider")
    .option("--provider <id>", "the model provider that the key is for")
    .option("--yes", "without a question")
    .action((gateway: string, flags: RotateFlags) => run(flags, () => rotateOne(flags, gateway)));
}
