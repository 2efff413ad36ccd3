import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import { renderPoliciesPage } from "../../policies/src/docs.ts";
import { OperatorFiles } from "../component/fleet.ts";
import { CANARY, goodFleet, previewed, Stack, type Props } from "./stack.ts";

const root = join(import.meta.dirname, "../..");
const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

/** `value` with every text in it replaced. */
function poisoned(value: unknown): unknown {
  if (typeof value === "string") return CANARY;
  if (Array.isArray(value)) return value.map(poisoned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, poisoned(part)]));
}

describe("the catalogue", () => {
  it("has every rule file once, in order of id", () => {
    const names = readdirSync(join(root, "policies/src/rules")).map((file) => file.slice(0, 5).toUpperCase());
    const ids = CATALOGUE.map((rule) => rule.id);
    expect(ids).toEqual([...names].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(CATALOGUE.map((rule) => [rule.id, rule] as const))(
    "%s has its contract tested, its texts and a place in the docs",
    (id, rule) => {
      const test = readFileSync(join(root, `test/policy/${id.toLowerCase()}.test.ts`), "utf8");
      expect(test).toContain(`ruleContract(${id.toLowerCase()}, {`);
      for (const text of [rule.title, rule.reads, rule.why, rule.source, rule.fix])
        expect(text.length).toBeGreaterThan(10);
      for (const [name, { doc }] of Object.entries(rule.parameters)) expect(doc.length, name).toBeGreaterThan(10);
      expect(readFileSync(join(root, "docs/policies.md"), "utf8")).toContain(`## ${id}`);
    },
  );

  it("is what docs/policies.md says (`npm run build` writes it)", () => {
    expect(readFileSync(join(root, "docs/policies.md"), "utf8")).toBe(renderPoliciesPage());
  });

  it("never repeats a value, whatever is wrong where", async () => {
    const resources = await previewed(goodFleet(files.sshKey));
    for (const { name, type } of resources) {
      const stack = new Stack(
        structuredClone(resources).map((one) =>
          one.name === name && one.type === type ? { ...one, props: poisoned(one.props) as Props } : one,
        ),
      );
      expect(CATALOGUE.flatMap((rule) => stack.violations(rule)).join()).not.toContain("CANARY");
    }
  });
});
