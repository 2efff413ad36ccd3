import { describe, expect, it } from "vitest";
import { check, CHECK_STATUS, type Check } from "../../operations/check/check.ts";
import { checkMarkdown, checkSarif, checkText } from "../../operations/check/report.ts";
import { OperationError, type Failure } from "../../operations/error.ts";
import type { PolicyViolation } from "../../operations/events.ts";
import { policyFailure } from "../../operations/policy-failure.ts";

/** As the engine tells it: the description, then the pack's own line. */
const told = (level: PolicyViolation["level"]): PolicyViolation => ({
  policy: "GH107",
  level,
  resource: "support/writer",
  message:
    "Every credential is rotated in time\nGH107 Every credential is rotated in time: support/writer: the key is | rotated every 120 days. Fix: set `rotateEveryDays`",
});
const mandatory = policyFailure(told("mandatory"));
const elsewhere: Failure = { code: "input", message: "pulumi://x is not set", fix: "set it" };

function previewing(violations: readonly PolicyViolation[]) {
  const report = { changes: {}, diagnostics: [], policyViolations: violations, seconds: 1 };
  return () => Promise.resolve({ preview: () => Promise.resolve(report) });
}
const failing =
  (...failures: [Failure, ...Failure[]]) =>
  () =>
    Promise.resolve({ preview: () => Promise.reject(new OperationError(failures)) });

const SEEN = {
  rule: "GH107",
  resource: "support/writer",
  message: "Every credential is rotated in time: the key is | rotated every 120 days",
  fix: "set `rotateEveryDays`",
};

describe("the verdict", () => {
  it("is clean for a preview without violations, and with advisory ones", async () => {
    expect(await check(previewing([]))).toEqual({ verdict: "clean", violations: [], failures: [] });
    const found = await check(previewing([told("advisory")]));
    expect(found).toEqual({ verdict: "clean", violations: [{ ...SEEN, level: "advisory" }], failures: [] });
  });

  it("names each violation", async () => {
    const found = await check(failing(mandatory));
    expect(found).toEqual({ verdict: "violations", violations: [{ ...SEEN, level: "mandatory" }], failures: [] });
  });

  it("is none when anything else went wrong, also beside a violation", async () => {
    expect(await check(failing(elsewhere))).toMatchObject({ verdict: "undecided", failures: [elsewhere] });
    expect(await check(failing(mandatory, elsewhere))).toMatchObject({ verdict: "undecided", violations: [SEEN] });
    const closed = () => Promise.reject(OperationError.of("state-directory", "others can read it", "chmod 700"));
    expect(await check(closed)).toMatchObject({ verdict: "undecided", failures: [{ code: "state-directory" }] });
    expect(CHECK_STATUS).toEqual({ clean: 0, violations: 1, undecided: 2 });
  });

  it("is not given by who was interrupted", async () => {
    await expect(check(failing({ code: "interrupted", message: "stopped", fix: "again" }))).rejects.toThrow("stopped");
  });
});

describe("a report", () => {
  const found: Check = {
    verdict: "violations",
    violations: [
      { ...SEEN, level: "mandatory" },
      { ...SEEN, rule: "GH101", level: "advisory" },
    ],
    failures: [],
  };
  const undecided: Check = { verdict: "undecided", violations: [], failures: [elsewhere] };

  it("for people ends with the verdict", () => {
    expect(checkText(found)).toContain("GH107 support/writer: Every credential");
    expect(checkText(found)).toContain("GH101 (advisory) support/writer");
    expect(checkText(found)).toMatch(/\n1 violation, 1 advisory$/);
    expect(checkText(undecided)).toMatch(/pulumi:\/\/x is not set[^]*\ncould not decide$/);
    expect(checkText({ ...found, violations: [], verdict: "clean" })).toBe("clean");
  });

  it("in Markdown keeps its columns", () => {
    const rows = checkMarkdown(found)
      .split("\n")
      .filter((line) => line.startsWith("| [GH"));
    expect(rows).toHaveLength(2);
    for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(7);
    expect(rows[0]).toContain("[GH107](docs/policies.md#gh107)");
    expect(checkMarkdown(undecided)).toContain("Not decided:");
  });

  it("in SARIF has a rule for each result, and says when it is no result", () => {
    const sarif = checkSarif(found, "1.2.3") as { runs: { tool: { driver: { rules: { id: string }[] } }; results: { ruleId: string; ruleIndex: number; level: string }[]; invocations: unknown[] }[] }; // prettier-ignore
    const [run] = sarif.runs;
    for (const { ruleId, ruleIndex } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    }
    expect(run?.results.map(({ level }) => level)).toEqual(["error", "warning"]);
    expect(run?.invocations).toMatchObject([{ executionSuccessful: true }]);
    expect(checkSarif(undecided, "1.2.3")).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          results: [],
          invocations: [{ executionSuccessful: false, toolExecutionNotifications: [{ level: "error" }] }],
        },
      ],
    });
  });
});
