import { METRIC_NAMES, METRICS } from "./catalogue.ts";
import type { Sample, Samples } from "./catalogue.ts";

function escapedLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function sampleLine(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}{${pairs.join(",")}} ${String(value)}`;
}

/** Prometheus text format 0.0.4: each metric once, its help and type before its samples; ends with a newline. */
export function exposition(samples: Samples): string {
  return METRIC_NAMES.flatMap((name) => {
    const found = samples[name] ?? [];
    if (found.length === 0) return [];
    const { help, type } = METRICS[name];
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...found.map((sample) => sampleLine(name, sample))];
  })
    .map((line) => `${line}\n`)
    .join("");
}
