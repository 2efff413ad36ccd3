import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import Table from "cli-table3";
import { BREAKS, type Break } from "./breaks.ts";

/**
 * `npm run test:breaks`: plants faults, one at a time, in a copy of this checkout and runs the tests that have to
 * notice. Exit status 0 only when the tests pass without a fault and fail with each of them.
 */
const root = join(import.meta.dirname, "..");

function copyOfCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-breaks-"));
  const listed = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of listed.stdout.split("\0").filter((name) => name !== "")) {
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Whether these tests pass in the copy. A run that finds no test does not. */
function pass(copy: string, tests: readonly string[]): boolean {
  const vitest = join(copy, "node_modules/vitest/vitest.mjs");
  const done = spawnSync(process.execPath, [vitest, "run", "--reporter=dot", ...tests], { cwd: copy, stdio: "ignore" });
  return done.status === 0;
}

function plant(copy: string, { file, from, to }: Break): () => void {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  return () => {
    writeFileSync(path, text);
  };
}

function main(): void {
  const copy = copyOfCheckout();
  const table = new Table({ head: ["planted fault", "tests", "noticed"] });
  let missed = 0;
  try {
    for (const fault of BREAKS) {
      process.stderr.write(`${fault.what} ...\n`);
      if (!pass(copy, fault.tests)) throw new Error(`${fault.tests.join(" ")} fails without a fault`);
      const undo = plant(copy, fault);
      const noticed = !pass(copy, fault.tests);
      undo();
      if (!noticed) missed += 1;
      table.push([fault.what, fault.tests.join(" "), noticed ? "yes" : "NO"]);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  process.stdout.write(`${table.toString()}\n${BREAKS.length - missed} of ${BREAKS.length} planted faults noticed\n`);
  process.exitCode = missed === 0 ? 0 : 1;
}

new Command("planted-breaks")
  .description("Plants faults, one at a time, in a copy of this checkout, and runs the tests that have to notice.")
  .addHelpText("after", "\nExit status: 0 when every fault was noticed, 1 otherwise.")
  .action(main)
  .parse();
