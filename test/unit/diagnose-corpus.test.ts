import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CORPUS } from "../diagnose-corpus.ts";
import { VERDICT_STATUS } from "../../operations/diagnose/table.ts";

const PAGE = join(import.meta.dirname, "../../docs/how-to/unauthorized-or-no-api-key.md");

/** Cells of the rows between the two marks, without code quotes. */
function documented(): string[][] {
  const [, table = ""] = /<!-- corpus -->([\s\S]*)<!-- end of corpus -->/.exec(readFileSync(PAGE, "utf8")) ?? [];
  return table
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.slice(1, -1).split("|"))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll("`", "")));
}

it("the page shows each fault that is planted on a node, with its verdict, code and first command", () => {
  expect(documented()).toEqual(
    Object.values(CORPUS).map(({ fault, verdict, code, firstCommand }) => [fault, verdict, code, firstCommand]),
  );
});

it("the corpus has at least 24 faults, and every verdict of a layer that a node can have", () => {
  const rows = Object.values(CORPUS);
  expect(rows.length).toBeGreaterThanOrEqual(24);
  const verdicts = new Set(rows.map(({ verdict }) => verdict as string));
  const elsewhere = ["healthy", "undecided", "tunnel or proxy"];
  for (const verdict of Object.keys(VERDICT_STATUS)) expect(verdicts.has(verdict)).toBe(!elsewhere.includes(verdict));
});
