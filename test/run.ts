import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";

/**
 * `npm test`: the static checks, then every vitest project. Each static check counts as one test. The closing line is
 * `N passed, N failed[, N skipped]`; the exit status is 0 only when something ran and nothing failed.
 */
const root = join(import.meta.dirname, "..");
const GROUPS = ["static", "unit", "policy", "component", "engine"] as const;
type Group = (typeof GROUPS)[number];

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
const PASSED: Count = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Count = { passed: 0, failed: 1, skipped: 0 };
const SKIPPED: Count = { passed: 0, failed: 0, skipped: 1 };

function tool(name: string): string {
  return join(root, "node_modules", ".bin", name);
}

/** Shows what the program printed once it has ended: several run side by side. */
async function run(title: string, command: string, args: readonly string[]): Promise<Count> {
  const printed: Buffer[] = [];
  const status = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => printed.push(chunk));
    child.once("error", reject);
    child.once("close", resolve);
  });
  const end = status === 0 ? `ok: ${title}\n` : `FAILED: ${title}\n`;
  process.stdout.write(`\n== ${title}\n${Buffer.concat(printed).toString()}${end}`);
  return status === 0 ? PASSED : FAILED;
}

function shellScripts(): string[] {
  const scripts = spawnSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
    .stdout.split("\n")
    .filter((file) => /\.sh$|^bin\/|^\.ci\/run$/.test(file) && existsSync(join(root, file)));
  return scripts;
}

async function shellcheck(): Promise<Count> {
  if (spawnSync("shellcheck", ["--version"]).status !== 0) {
    process.stdout.write("\n== shellcheck\nskipped: shellcheck is not installed (apt-get install shellcheck)\n");
    return SKIPPED;
  }
  return await run("shellcheck", "shellcheck", ["-s", "sh", ...shellScripts()]);
}

async function staticChecks(): Promise<Count[]> {
  return await Promise.all([
    run("format (prettier)", tool("prettier"), ["--check", "--log-level", "warn", "."]),
    run("lint (eslint)", tool("eslint"), [".", "--max-warnings", "0"]),
    run("types (tsc)", tool("tsc"), ["--noEmit", "-p", "tsconfig.json"]),
    shellcheck(),
  ]);
}

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numFailedTestSuites: z.int(),
  numPendingTests: z.int(),
});

/** Well above what each takes on two busy processors; whatever hangs is named by the last lines before it. */
const DEADLINE_MINUTES = { prepare: 20, unit: 15, policy: 15, component: 10, engine: 75 } as const;
/** Of the whole run: under what most CI systems allow a job. */
const TOTAL_MINUTES = 85;
const STARTED = performance.now();

/**
 * Runs a program in a process group of its own that is gone afterwards, and passes on what it prints: nothing that it
 * leaves behind holds on to the output of this process. Undefined in place of the exit status after the deadline.
 */
function runBounded(
  what: keyof typeof DEADLINE_MINUTES,
  command: string,
  args: readonly string[],
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], detached: true });
    child.stdout.on("data", (chunk: Buffer) => process.stdout.write(chunk));
    child.stderr.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    const endGroup = (): void => {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // nobody is left in it
      }
    };
    const forward = (): void => {
      endGroup();
      process.exit(130);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, forward);
    let late = false;
    const left = TOTAL_MINUTES - (performance.now() - STARTED) / 60_000;
    const minutes = Math.max(1, Math.min(DEADLINE_MINUTES[what], left));
    const timer = setTimeout(() => {
      late = true;
      process.stdout.write(`FAILED: ${what} did not end within ${minutes.toFixed(0)} minutes\n`);
      endGroup();
    }, minutes * 60_000);
    child.once("error", reject);
    child.once("exit", (status) => {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeListener(signal, forward);
      endGroup();
      resolve(late ? undefined : (status ?? 1));
    });
  });
}

/** Failed when the engine tests have nothing to stand on: each of them would wait for the same thing again. */
async function prepared(): Promise<boolean> {
  process.stdout.write("\n== what the engine tests stand on\n");
  return (await runBounded("prepare", process.execPath, [join(root, "test/prepare.ts")])) === 0;
}

/** A run without a report, or a suite that failed before its first test, is a failure of its own. */
async function vitest(project: Exclude<Group, "static">): Promise<Count> {
  const files = join(root, "test", project);
  if (!existsSync(files) || !readdirSync(files).some((file) => file.endsWith(".test.ts")))
    return { passed: 0, failed: 0, skipped: 0 };
  if (project === "engine" && !(await prepared())) return FAILED;
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
  const report = join(directory, "report.json");
  process.stdout.write(`\n== ${project} tests (vitest)\n`);
  const status = await runBounded(project, process.execPath, [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--project",
    project,
    "--reporter=verbose",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  try {
    const counts = reportSchema.parse(JSON.parse(readFileSync(report, "utf8")));
    const failed = counts.numFailedTests + (counts.numFailedTests === 0 && status !== 0 ? 1 : 0);
    return { passed: counts.numPassedTests, failed, skipped: counts.numPendingTests };
  } catch {
    process.stdout.write(`FAILED: vitest left no report for '${project}'\n`);
    return FAILED;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const program = new Command()
  .name("npm test --")
  .description(
    "Runs the static checks and every test. Exit status: 0 all passed, 1 a failure or nothing ran, 2 wrong usage.",
  )
  .addOption(new Option("--only <group>", "one group of checks").choices(GROUPS))
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();
const only = program.opts<{ only?: Group }>().only;

const counts: Count[] = [];
for (const group of GROUPS) {
  if (only !== undefined && group !== only) continue;
  counts.push(...(group === "static" ? await staticChecks() : [await vitest(group)]));
}
const sum = (field: keyof Count): number => counts.reduce((total, count) => total + count[field], 0);
const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
