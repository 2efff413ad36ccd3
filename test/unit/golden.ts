import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";

/** Set to 1 to write the golden files anew; then read the difference before committing it. */
export const UPDATE_VARIABLE = "GATEHOUSE_UPDATE_GOLDENS";

/** Compares with `test/goldens/NAME`, byte for byte. A missing file is a failure, not a first run. */
export function expectGolden(name: string, content: string): void {
  const path = join(import.meta.dirname, "../goldens", name);
  if (process.env[UPDATE_VARIABLE] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  expect(existsSync(path), `${name} is missing; ${UPDATE_VARIABLE}=1 writes it`).toBe(true);
  expect(content, `differs from test/goldens/${name}; ${UPDATE_VARIABLE}=1 writes it anew`).toBe(
    readFileSync(path, "utf8"),
  );
}
