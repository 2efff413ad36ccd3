import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BREAKS } from "../breaks.ts";

const root = join(import.meta.dirname, "..", "..");

it.each(BREAKS)("the fault can still be planted: $what", ({ file, from, tests }) => {
  expect(readFileSync(join(root, file), "utf8").split(from).length - 1).toBe(1);
  for (const test of tests.filter((word) => word.endsWith(".ts"))) expect(existsSync(join(root, test))).toBe(true);
});
