import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

describe("building the pack", () => {
  let work: string;
  let build: () => boolean;
  const file = (...path: string[]): string => join(work, "policies", ...path);

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), "gatehouse-pack-"));
    cpSync(join(root, "policies"), file(), { recursive: true, filter: (path) => !path.endsWith("dist") });
    symlinkSync(join(root, "node_modules"), join(work, "node_modules"));
    build = (createRequire(import.meta.url)(file("build.js")) as { buildPolicies: () => boolean }).buildPolicies;
  });
  afterEach(() => {
    rmSync(work, { recursive: true, force: true });
  });

  it("compiles once, and again only after a source changed", () => {
    expect([build(), build()]).toEqual([true, false]);
    const rule = file("src/rules/gh501-host-key-pinned.ts");
    writeFileSync(rule, readFileSync(rule, "utf8").replace("SSH host key pinned", "SSH host key pinned again"));
    expect([build(), build()]).toEqual([true, false]);
    expect(readFileSync(file("dist/index.js"), "utf8")).toContain("SSH host key pinned again");
  });

  it("notices a source that was added", () => {
    build();
    writeFileSync(file("src/another.ts"), "export {};\n");
    expect(build()).toBe(true);
  });

  it("refuses sources that do not compile, and leaves no half-made pack", () => {
    writeFileSync(file("src/index.ts"), "const =");
    expect(build).toThrow(/src\/index\.ts:1:6/);
    expect(existsSync(file("dist/index.js"))).toBe(false);
  });
});
