import { readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Downloads, RuntimePayload, RuntimeResult } from "../protocol.ts";
import { ensureDirectory } from "../lib/atomic.ts";
import { exec } from "../lib/exec.ts";
import { exists } from "../lib/exists.ts";
import { errnoOf } from "../lib/failure.ts";
import { withLock } from "../lib/lock.ts";
import { registeredGateways } from "../lib/registry.ts";
import {
  absolutePath,
  directoryName,
  flag,
  list,
  machineExpectation,
  object,
  optional,
  text,
  textLike,
} from "../lib/shape.ts";
import type { Context, Phase, Removed } from "../phase.ts";
import { checkDisk, install } from "./install.ts";
import { COMPLETE_MARKER, openclawEntry, STAGING_PREFIX } from "./layout.ts";

const url = textLike(/^https?:\/\/[^\s]+$/, "an http or https URL");

const shape = object<RuntimePayload>({
  machine: machineExpectation,
  downloads: object<Downloads>({
    registry: url,
    proxy: optional(url),
    noProxy: optional(list(text)),
    extraCaPem: optional(text),
  }),
  runtime: object<RuntimePayload["runtime"]>({
    id: directoryName,
    openclawVersion: textLike(/^[0-9]+\.[0-9]+\.[0-9]+$/, "an exact version"),
    nodePath: absolutePath,
    packageJson: text,
    lockfileGzip: textLike(/^[A-Za-z0-9+/]+=*$/, "base64"),
  }),
  alwaysOn: flag,
});

async function isComplete(target: string, payload: RuntimePayload): Promise<boolean> {
  const marker = await readFile(join(target, COMPLETE_MARKER), "utf8").catch((error: unknown) => {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return "";
    throw error;
  });
  const { id, openclawVersion } = payload.runtime;
  const marked = marker === `${JSON.stringify({ runtimeId: id, openclawVersion })}\n`;
  return marked && (await exists(openclawEntry(target)));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

/** Removes what earlier runs left half done, after ending what may still be writing there. */
async function removeStagings(payload: RuntimePayload, context: Context): Promise<void> {
  for (const name of await readdir(context.paths.runtimes)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    const staging = join(context.paths.runtimes, name);
    const writers = await context.platform.processesBelow(staging, payload.runtime.nodePath);
    for (const pid of writers) killIfThere(pid);
    context.progress(`removing a half-finished installation (${name})`);
    await rm(staging, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function nodeVersion(nodePath: string): Promise<string> {
  if (process.execPath === nodePath) return process.version;
  const result = await exec([nodePath, "--version"], { timeoutSeconds: 20 });
  return result.stdout.trim();
}

async function locked<T>(context: Context, work: () => Promise<T>): Promise<T> {
  await ensureDirectory(context.paths.locks, { mode: 0o700 });
  const path = join(context.paths.locks, "runtime.sqlite");
  return await withLock(
    {
      path,
      what: "the OpenClaw runtimes of this node",
      waitSeconds: 600,
      progress: context.progress,
      signal: context.signal,
    },
    work,
  );
}

async function apply(payload: RuntimePayload, context: Context): Promise<RuntimeResult> {
  // What is installed here is read by every gateway user.
  process.umask(0o022);
  const { runtime } = payload;
  const { platform, paths } = context;
  await platform.checkRuntime(runtime.nodePath);
  await (payload.alwaysOn ? platform.alwaysOn.keep(paths) : platform.alwaysOn.release(paths));
  const target = join(context.paths.runtimes, runtime.id);
  const result = async (action: RuntimeResult["action"]): Promise<RuntimeResult> => ({
    machineId: await context.platform.machineId(),
    runtimeId: runtime.id,
    runtimePath: target,
    nodeVersion: await nodeVersion(runtime.nodePath),
    openclawVersion: runtime.openclawVersion,
    action,
  });
  if (await isComplete(target, payload)) return await result("present");
  await ensureDirectory(context.paths.runtimes, { mode: 0o755 });
  return await locked(context, async () => {
    if (await isComplete(target, payload)) return await result("present");
    await removeStagings(payload, context);
    await checkDisk(context);
    const staging = join(context.paths.runtimes, `${STAGING_PREFIX}${runtime.id}-${String(process.pid)}`);
    // Only damage from outside leaves a runtime without its marker; it goes out of the way first.
    await rename(target, `${staging}-damaged`).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
    });
    const started = performance.now();
    await install(staging, target, payload, context);
    await removeStagings(payload, context);
    context.progress(
      `OpenClaw ${runtime.openclawVersion} installed in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    return await result("installed");
  });
}

async function remove(payload: RuntimePayload, context: Context): Promise<Removed> {
  const target = join(context.paths.runtimes, payload.runtime.id);
  return await locked(context, async () => {
    const gateways = await registeredGateways(context.paths);
    // A gateway that has not said which runtimes it needs may need this one.
    const users = gateways.filter(({ runtimes }) => runtimes?.includes(payload.runtime.id) ?? true);
    if (users.length > 0) {
      return { removed: [], kept: [`${target}: in use by ${users.map(({ gateway }) => gateway).join(", ")}`] };
    }
    const exists = await readdir(target).then(
      () => true,
      () => false,
    );
    if (exists) {
      context.progress(`removing ${target}`);
      const doomed = join(
        context.paths.runtimes,
        `${STAGING_PREFIX}${payload.runtime.id}-${String(process.pid)}-removed`,
      );
      await rename(target, doomed);
    }
    if (gateways.length === 0) await context.platform.alwaysOn.release(context.paths);
    await ensureDirectory(context.paths.runtimes, { mode: 0o755 });
    await removeStagings(payload, context);
    return { removed: exists ? [target] : [], kept: [] };
  });
}

export const runtimePhase: Phase<"runtime"> = {
  name: "runtime",
  watchdogSeconds: 900,
  check: (payload) => shape(payload, "payload"),
  apply,
  remove,
};
