import { readGeneration } from "../generation/store.ts";
import type { StoredGeneration } from "../generation/store.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { Context } from "../phase.ts";
import { hasAnotherSchema, snapshotFor } from "../state/guard.ts";
import type { StateChoice } from "../state/guard.ts";
import { pruneSnapshots, putBack, readSnapshot, takeSnapshot } from "../state/snapshot.ts";
import type { Snapshot } from "../state/snapshot.ts";
import { readJournal } from "./journal.ts";

/**
 * The snapshot that a return needs when OpenClaw's version changes: its command line already migrates the state when it
 * accepts a configuration. null where the version stays.
 */
export async function prepareState(
  home: GatewayHome,
  before: StoredGeneration | null,
  { manifest }: StoredGeneration,
  choice: StateChoice,
  context: Context,
): Promise<Snapshot | null> {
  const from = before?.manifest.openclawVersion;
  if (from === undefined || from === manifest.openclawVersion) return null;
  await snapshotFor(home, from, manifest.openclawVersion, choice);
  // a run that was interrupted may have let the new version at the state already
  const kept = (await readJournal(home))?.snapshot === from ? await readSnapshot(home, from) : null;
  if (kept !== null) return kept;
  context.progress(`keeping a snapshot of the state of OpenClaw ${from}`);
  return await takeSnapshot(home, from, new Date());
}

/** Stops the gateway and makes its state the one that the generation's version left, where it can read no other. */
export async function restoreState(
  home: GatewayHome,
  before: StoredGeneration,
  { manifest }: StoredGeneration,
  context: Context,
): Promise<void> {
  const from = before.manifest.openclawVersion;
  const paired = await snapshotFor(home, from, manifest.openclawVersion, "restore snapshot");
  if (paired === null) return;
  await context.platform.services.disable(before.manifest.unit);
  // with what was written until the stop; an interrupted run may have put some of the older state back already
  const own = await readSnapshot(home, from);
  if (own === null || !(await hasAnotherSchema(home, own))) await takeSnapshot(home, from, new Date());
  context.progress(`putting back the state of OpenClaw ${paired.openclawVersion} of ${paired.time}`);
  await putBack(home, paired);
}

/** Keeps the snapshots of the versions that the kept generations have. */
export async function pruneState(home: GatewayHome, kept: readonly string[]): Promise<void> {
  const stored = await Promise.all(kept.map((name) => readGeneration(home, name)));
  await pruneSnapshots(
    home,
    stored.flatMap((one) => (one === null ? [] : [one.manifest.openclawVersion])),
  );
}

/** Puts back what the journal names, where another version has changed the state's schema since. */
export async function returnState(home: GatewayHome, failed: StoredGeneration, context: Context): Promise<void> {
  const version = (await readJournal(home))?.snapshot;
  const snapshot = version === undefined ? null : await readSnapshot(home, version);
  if (snapshot === null || !(await hasAnotherSchema(home, snapshot))) return;
  context.progress(`putting back the state of OpenClaw ${snapshot.openclawVersion}`);
  await context.platform.services.disable(failed.manifest.unit);
  await putBack(home, snapshot);
}
