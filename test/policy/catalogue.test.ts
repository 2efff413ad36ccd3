import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import { renderPoliciesPage } from "../../policies/src/docs.ts";
import { CANARY, good, violations } from "./resources.ts";

const root = join(import.meta.dirname, "../..");

describe("the catalogue", () => {
  it("has every rule file once, in order of id", () => {
    const files = readdirSync(join(root, "policies/src/rules")).map((file) => file.slice(0, 5).toUpperCase());
    const ids = CATALOGUE.map((rule) => rule.id);
    expect(ids).toEqual([...files].sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(CATALOGUE.map((rule) => [rule.id, rule] as const))(
    "%s has a test file, texts and a place in the docs",
    (id, rule) => {
      expect(existsSync(join(root, `test/policy/${id.toLowerCase()}.test.ts`))).toBe(true);
      for (const text of [rule.title, rule.reads, rule.why, rule.source, rule.fix])
        expect(text.length).toBeGreaterThan(10);
      expect(readFileSync(join(root, "docs/policies.md"), "utf8")).toContain(`## ${id}`);
    },
  );

  it("is what docs/policies.md says (`npm run build` writes it)", () => {
    expect(readFileSync(join(root, "docs/policies.md"), "utf8")).toBe(renderPoliciesPage());
  });

  it("never repeats a secret, whatever is wrong", () => {
    for (const rule of CATALOGUE) {
      for (const make of Object.values(good)) {
        const messages = violations(rule, make, (props) => {
          for (const key of Object.keys(props))
            props[key] = { hostKey: CANARY, hostKeyType: CANARY, hostKeyFingerprint: CANARY };
        });
        expect(messages.join()).not.toContain("CANARY");
      }
    }
  });
});
