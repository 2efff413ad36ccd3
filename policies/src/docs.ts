import { CATALOGUE } from "./catalogue.ts";

/** `docs/policies.md`, made from the catalogue. */
export function renderPoliciesPage(): string {
  const rules = CATALOGUE.map((rule) =>
    [
      `## ${rule.id}`,
      `**${rule.title}** (${rule.severity})`,
      `- Reads: ${rule.reads}.`,
      `- Why: ${rule.why} Source: ${rule.source}.`,
      `- Fix: ${rule.fix}.`,
    ].join("\n\n"),
  );
  const intro =
    "The rules of the CrossGuard pack in `policies/`. A value that a rule needs and that is missing or not known at preview is a\n" +
    "violation of its own ('not declared', 'unknown at preview'). This page is made from the catalogue by `npm run build`.";
  return ["# Policies", intro, ...rules].join("\n\n") + "\n";
}
