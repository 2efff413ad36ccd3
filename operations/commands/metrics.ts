import type { Command } from "commander";
import { common, note, open, run, type CommonFlags, type Result } from "../command-line.ts";
import { interruptSignal } from "../interrupt.ts";
import { metrics, METRICS_STATUS, metricsText, missingLines } from "../metrics/metrics.ts";

async function metricsOf(flags: CommonFlags, names: readonly string[]): Promise<Result> {
  const signal = interruptSignal(note);
  const stack = await open(flags, { signal, policyPack: false });
  const found = await metrics(stack, { names, progress: note, signal });
  missingLines(found).forEach(note);
  return {
    json: found,
    text: metricsText(found),
    status: found.complete ? METRICS_STATUS.complete : METRICS_STATUS.incomplete,
  };
}

export function metricsCommand(): Command {
  return common("metrics", "collect the metrics of the gateways now and show them in Prometheus' text format")
    .argument("[names...]", "nodes or gateways; default all")
    .addHelpText(
      "after",
      "\nThe same files lie on each node for node_exporter: docs/how-to/metrics.md.\nExit status: 0 all gateways answered, 2 a machine or a gateway gave no metrics, or wrong usage.",
    )
    .action((names: string[], flags: CommonFlags) => run(flags, () => metricsOf(flags, names)));
}
