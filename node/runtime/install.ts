import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT } from "../protocol.ts";
import type { RuntimePayload } from "../protocol.ts";
import { syncDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { describeEnd, exec } from "../lib/exec.ts";
import type { ExecResult } from "../lib/exec.ts";
import { PhaseFailure, errnoOf } from "../lib/failure.ts";
import type { Context } from "../phase.ts";
import { npmEnvironment, npmFailure } from "./npm.ts";
import { unpackLockfile } from "./lockfile.ts";
import { COMPLETE_MARKER, openclawEntry } from "./layout.ts";

/** 650 MB installed and 225 MB of npm cache until the end (OpenClaw 2026.9.6), with room to spare. */
export const NEEDED_BYTES = 1200 * 1000 * 1000;
const NPM_TIMEOUT_SECONDS = 780;
const PROGRESS_EVERY_MS = 5000;

export async function checkDisk(context: Context): Promise<void> {
  const free = await context.platform.freeBytes(context.paths.runtimes);
  if (free >= NEEDED_BYTES) return;
  const megabytes = (bytes: number): string => String(Math.round(bytes / 1e6));
  throw new PhaseFailure({
    layer: "config or disk",
    code: "disk-full",
    message: `${context.paths.runtimes} has ${megabytes(free)} MB free, installing OpenClaw needs ${megabytes(NEEDED_BYTES)} MB`,
    fix: "free space on that file system, then run the same command again; nothing was changed",
    exit: EXIT.os,
  });
}

async function npmInstall(staging: string, payload: RuntimePayload, context: Context): Promise<void> {
  const { nodePath } = payload.runtime;
  const cache = join(staging, ".npm");
  const started = performance.now();
  const ticker = setInterval(() => {
    context.progress(`installing OpenClaw: ${String(Math.round((performance.now() - started) / 1000))} s`);
  }, PROGRESS_EVERY_MS);
  let result: ExecResult;
  try {
    // No package's own scripts run: OpenClaw completes its lifecycle at its first start (below), the others need none.
    result = await exec(
      [nodePath, join(dirname(nodePath), "../lib/node_modules/npm/bin/npm-cli.js"), "ci", "--ignore-scripts"],
      {
        cwd: staging,
        timeoutSeconds: NPM_TIMEOUT_SECONDS,
        env: await npmEnvironment(payload, cache),
        keepBytes: 64 * 1024,
      },
    );
  } finally {
    clearInterval(ticker);
  }
  if (result.status !== 0) throw npmFailure(result);
  await rm(cache, { recursive: true, force: true });
}

/** First start as the owner of the package: finishes the vendor's package lifecycle and proves that this Node can run it. */
async function firstStart(staging: string, payload: RuntimePayload): Promise<void> {
  const { nodePath, openclawVersion } = payload.runtime;
  const home = join(staging, ".home");
  await mkdir(home, { mode: 0o700 });
  const result = await exec([nodePath, openclawEntry(staging), "--version"], {
    cwd: home,
    timeoutSeconds: 60,
    env: { HOME: home, TMPDIR: home, PATH: `${dirname(nodePath)}:/usr/bin:/bin` },
  });
  await rm(home, { recursive: true, force: true });
  const found = /\b20[0-9]{2}\.[0-9]+\.[0-9]+\S*/.exec(result.stdout)?.[0];
  if (result.status !== 0 || found !== openclawVersion) {
    throw new PhaseFailure({
      layer: "runtime",
      code: "openclaw-version",
      message:
        result.status === 0
          ? `the installed OpenClaw says it is ${found ?? "of no known version"}, the spec pins ${openclawVersion}`
          : `the installed OpenClaw does not start (${describeEnd(result)})`,
      fix: "check that the lockfile and the pinned version belong together and that this Node supports that OpenClaw",
      exit: EXIT.refused,
    });
  }
  const pending = join(staging, "node_modules/openclaw/.openclaw-lifecycle-pending");
  const left = await readFile(pending, "utf8").catch((error: unknown) => errnoOf(error));
  if (left !== "ENOENT") {
    throw new PhaseFailure({
      layer: "runtime",
      code: "openclaw-lifecycle",
      message: "OpenClaw did not complete its package lifecycle at its first start",
      fix: "run the phase again; if it stays, this OpenClaw version needs another installation recipe",
    });
  }
}

/** Root-owned and writable by nobody else, whatever the archives said. */
async function restrict(staging: string): Promise<void> {
  const writable = ["!", "-type", "l", "(", "-perm", "-020", "-o", "-perm", "-002", ")", "-exec", "chmod", "go-w"];
  const foreign = ["!", "-user", "root", "-exec", "chown", "-h", "0:0"];
  const walks = await Promise.all(
    [writable, foreign].map((action) => exec(["find", staging, ...action, "{}", "+"], { timeoutSeconds: 120 })),
  );
  for (const { status, stderr } of walks) if (status !== 0) throw new Error(`find failed: ${stderr.trim()}`);
  await chmod(staging, 0o755);
}

async function syncToDisk(directory: string): Promise<void> {
  // One call for 45 000 files; where sync takes no argument (macOS, busybox) it flushes everything.
  const result = await exec(["sync", "-f", directory], { timeoutSeconds: 300 });
  if (result.status !== 0) await exec(["sync"], { timeoutSeconds: 300 });
}

/** Installs into `staging` and renames it to `target`. The caller holds the lock and cleaned up before. */
export async function install(
  staging: string,
  target: string,
  payload: RuntimePayload,
  context: Context,
): Promise<void> {
  const { runtime } = payload;
  await mkdir(staging, { mode: 0o755 });
  try {
    const lockfile = unpackLockfile(runtime.lockfileGzip);
    await writeFile(join(staging, "package.json"), runtime.packageJson, { mode: 0o644 });
    await writeFile(join(staging, "package-lock.json"), lockfile, { mode: 0o644 });
    context.progress(`installing OpenClaw ${runtime.openclawVersion}`);
    await npmInstall(staging, payload, context);
    // The bulk goes to the disk meanwhile; the second call has little left to write.
    await Promise.all([syncToDisk(staging), firstStart(staging, payload).then(() => restrict(staging))]);
    await syncToDisk(staging);
    const record = { runtimeId: runtime.id, openclawVersion: runtime.openclawVersion };
    await writeFileAtomic(join(staging, COMPLETE_MARKER), `${JSON.stringify(record)}\n`, { mode: 0o644 });
    await rename(staging, target);
    await syncDirectory(dirname(target));
  } catch (error) {
    await rm(staging, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    throw error;
  }
}
