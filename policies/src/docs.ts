import { CATALOGUE } from "./catalogue.ts";
import type { Parameters } from "./parameters.ts";

function parameterLines(parameters: Parameters): string[] {
  return Object.entries(parameters).map(
    ([name, { doc, default: value }]) => `- Parameter \`${name}\`: ${doc}. Default: \`${JSON.stringify(value)}\`.`,
  );
}

/** `docs/policies.md`, made from the catalogue. */
export function renderPoliciesPage(): string {
  const rules = CATALOGUE.map((rule) =>
    [
      `## ${rule.id}`,
      `**${rule.title}** (${rule.severity})`,
      `- Reads: ${rule.reads}.`,
      `- Why: ${rule.why} Source: ${rule.source}.`,
      `- Fix: ${rule.fix}.`,
      ...parameterLines(rule.parameters),
    ].join("\n\n"),
  );
  const intro =
    "The rules of the CrossGuard pack in `policies/`. A value that a rule needs and that is missing or not known at preview is a\n" +
    "violation of its own ('not declared', 'unknown at preview'). Every rule takes `enforcementLevel`, `exceptions` and its own\n" +
    "parameters ([how](how-to/policies.md)). This page is made from the catalogue by `npm run build`.";
  const contents = CATALOGUE.map(({ id, title }) => `- [${id}](#${id.toLowerCase()}) ${title}`).join("\n");
  return ["# Policies", intro, contents, ...rules].join("\n\n") + "\n";
}
