import { rm } from "node:fs/promises";
import type { Context } from "../phase.ts";
import { ensureDirectory, writeFileAtomic } from "./atomic.ts";
import { readJsonOrNull } from "./json-file.ts";
import { registeredGateways } from "./registry.ts";
import { directoryName, object } from "./shape.ts";

const shape = object<{ readonly runtime: string }>({ runtime: directoryName });

/** Keeps the machine awake until the runtime that asks for it, and every gateway, is gone. */
export async function keepAwake(runtime: string, { platform, paths }: Context): Promise<void> {
  await ensureDirectory(paths.state, { mode: 0o700 });
  await writeFileAtomic(paths.awake, `${JSON.stringify({ runtime })}\n`, { mode: 0o600 });
  await platform.alwaysOn.keep(paths);
}

/** The fleet does not ask for it any more, whoever lives here. */
export async function stopKeepingAwake({ platform, paths }: Context): Promise<void> {
  await rm(paths.awake, { force: true });
  await platform.alwaysOn.release(paths);
}

/** As asked by a runtime that needs the machine no more; another one that came after it may. */
export async function releaseAwake(runtime: string, context: Context): Promise<void> {
  const asked = await readJsonOrNull(context.paths.awake, shape);
  if (asked?.runtime === runtime) await rm(context.paths.awake, { force: true });
  await allowSleepIfUnused(context);
}

/**
 * Puts back what was before, once nobody needs the machine. The engine removes a runtime and the last account side by
 * side: both end with this, so that the later one finds the other's work done.
 */
export async function allowSleepIfUnused({ platform, paths }: Context): Promise<void> {
  if ((await readJsonOrNull(paths.awake, shape)) !== null) return;
  if ((await registeredGateways(paths)).length === 0) await platform.alwaysOn.release(paths);
}
