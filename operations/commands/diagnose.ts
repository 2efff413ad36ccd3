import { readFile } from "node:fs/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { common, note, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { writeBundle } from "../diagnose/bundle.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import { diagnosisText } from "../diagnose/report.ts";
import { VERDICT_HELP, VERDICT_STATUS } from "../diagnose/table.ts";
import { OperationError } from "../error.ts";
import { interruptSignal } from "../interrupt.ts";

interface DiagnoseFlags extends CommonFlags {
  readonly agent?: string;
  readonly symptom?: string;
  readonly since: number;
  readonly client?: string;
  readonly url?: string;
  readonly ca?: string;
  readonly bundle?: string;
}

async function diagnoseOne(flags: DiagnoseFlags, gateway: string): Promise<Result> {
  const { since, bundle, agent, symptom, client, url, ca } = flags;
  const authority = ca === undefined ? undefined : await authorityIn(ca);
  const signal = interruptSignal(note);
  const stack = await open(flags, { signal, policyPack: false });
  const diagnosis = await diagnose(stack, {
    gateway,
    sinceSeconds: since,
    ...(agent !== undefined && { agent }),
    ...(symptom !== undefined && { symptom }),
    ...(client !== undefined && { client }),
    ...(url !== undefined && { url }),
    ...(authority !== undefined && { authority }),
    progress: note,
    signal,
  });
  for (const path of bundle === undefined ? [] : await writeBundle(bundle, diagnosis)) note(`wrote ${path}`);
  return { json: diagnosis, text: diagnosisText(diagnosis), status: VERDICT_STATUS[diagnosis.verdict] };
}

/** @throws {OperationError} `input` for a file that holds no certificate. */
async function authorityIn(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw OperationError.of("input", `--ca: ${path} can't be read`, "give a PEM file", { cause: error });
  });
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw OperationError.of(
      "input",
      `--ca: ${path} holds no certificate`,
      "give a PEM file with the authority's certificate",
    );
  }
  return text;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function span(text: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  if (seconds < 1 || seconds > 7 * 86_400)
    throw new InvalidArgumentError("expected a time like 30m, 1h or 2d, up to 7d");
  return seconds;
}

export function diagnoseCommand(): Command {
  return common(
    "diagnose",
    "say which layer of a gateway failed, on what evidence, and what to run next; changes nothing",
  )
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
    .option(
      "--url <url>",
      "the ws, wss, http or https address that the failing client uses: DNS, TLS, proxy and WebSocket are looked at from here; default: that of --client",
    )
    .option("--ca <file>", "PEM of a certificate authority that the failing client trusts beside the fleet's")
    .option("--bundle <directory>", "write JSON, Markdown and the scrubbed log there, for a ticket")
    .addHelpText("after", `\n${VERDICT_HELP}`)
    .action((gateway: string, flags: DiagnoseFlags) => run(flags, () => diagnoseOne(flags, gateway)));
}
