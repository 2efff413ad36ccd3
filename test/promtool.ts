import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Prometheus' own checker: on the PATH, or where `.ci/run` unpacks Debian's package. */
const CACHED = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "gatehouse/tools/prometheus/usr/bin/promtool",
);
const PROGRAM = existsSync(CACHED) ? CACHED : "promtool";

/** Says why not where it is not. */
export function promtoolIsThere(): boolean {
  const there = spawnSync(PROGRAM, ["--version"]).status === 0;
  if (!there) process.stderr.write("skipped: promtool is not installed (Debian: apt-get install prometheus)\n");
  return there;
}

/** Exit status and everything that it printed. */
export function promtool(
  args: readonly string[],
  stdin = "",
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(PROGRAM, args, { input: stdin, encoding: "utf8" });
  return { status, text: stdout + stderr };
}
