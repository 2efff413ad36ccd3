import { describeFailure } from "../error.ts";
import type { Check, Violation } from "./check.ts";

/** Where a rule is explained, in this repository. */
const page = (rule: string): string => `docs/policies.md#${rule.toLowerCase()}`;

function closing({ verdict, violations }: Check): string {
  const mandatory = violations.filter(({ level }) => level === "mandatory").length;
  const advisory = violations.length - mandatory;
  const also = advisory === 0 ? "" : `, ${advisory} advisory`;
  switch (verdict) {
    case "clean":
      return `clean${also}`;
    case "violations":
      return `${mandatory} violation${mandatory === 1 ? "" : "s"}${also}`;
    case "undecided":
      return `could not decide${violations.length === 0 ? "" : `; ${violations.length} so far`}`;
  }
}

/** For people. */
export function checkText(check: Check): string {
  return [
    ...check.violations.map(
      ({ rule, level, resource, message, fix }) =>
        `${rule} ${level === "advisory" ? "(advisory) " : ""}${resource}: ${message}\n  fix: ${fix}`,
    ),
    ...check.failures.map(describeFailure),
    closing(check),
  ].join("\n");
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** For a pull request or a change ticket. */
export function checkMarkdown(check: Check): string {
  const row = ({ rule, level, resource, message, fix }: Violation): string =>
    `| [${rule}](${page(rule)}) | ${level} | ${[resource, message, fix].map(cell).join(" | ")} |`;
  return [
    `**Gatehouse policies: ${closing(check)}**`,
    ...(check.violations.length === 0
      ? []
      : [
          "",
          "| rule | level | resource | problem | fix |",
          "| --- | --- | --- | --- | --- |",
          ...check.violations.map(row),
        ]),
    ...(check.failures.length === 0
      ? []
      : ["", "Not decided:", "", ...check.failures.map((failure) => `- ${cell(describeFailure(failure))}`)]),
  ].join("\n");
}

/** SARIF 2.1.0 (OASIS), for code scanning: a resource is a logical location, since the violation is in no one line. */
export function checkSarif(check: Check, version: string): object {
  const rules = [...new Set(check.violations.map(({ rule }) => rule))].sort();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "gatehouse", version, rules: rules.map((id) => ({ id, help: { text: page(id) } })) } },
        invocations: [
          {
            executionSuccessful: check.verdict !== "undecided",
            toolExecutionNotifications: check.failures.map((failure) => ({
              level: "error",
              message: { text: describeFailure(failure) },
            })),
          },
        ],
        results: check.violations.map(({ rule, level, resource, message, fix }) => ({
          ruleId: rule,
          ruleIndex: rules.indexOf(rule),
          level: level === "mandatory" ? "error" : "warning",
          message: { text: `${resource}: ${message}. Fix: ${fix}` },
          locations: [{ logicalLocations: [{ fullyQualifiedName: resource, kind: "resource" }] }],
        })),
      },
    ],
  };
}
