import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { ensureDirectory, syncDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { errnoOf, PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { directoryName, integer, list, object, text, textLike } from "../lib/shape.ts";
import { EXIT } from "../protocol.ts";
import { schemaVersion, stateDatabases, type Schema } from "./databases.ts";

const RECORD = "snapshot.json";

/** OpenClaw's databases as a version left them when another took over; one for each version. */
export interface Snapshot {
  readonly openclawVersion: string;
  /** RFC 3339, by the node's clock. */
  readonly time: string;
  readonly databases: readonly (Schema & {
    /** Name beside the record. */
    readonly file: string;
    /** Of that file, hex digits. */
    readonly sha256: string;
  })[];
}

const snapshotShape = object<Snapshot>({
  openclawVersion: directoryName,
  time: text,
  databases: list(
    object<Snapshot["databases"][number]>({
      path: text,
      version: integer(0, Number.MAX_SAFE_INTEGER),
      file: directoryName,
      sha256: textLike(/^[0-9a-f]{64}$/, "a SHA-256 in hex digits"),
    }),
  ),
});

const directoryOf = ({ snapshots }: GatewayHome, version: string): string => join(snapshots, version);

/** null where that version was never left, or its snapshot is not complete. */
export async function readSnapshot(home: GatewayHome, version: string): Promise<Snapshot | null> {
  return await readJsonOrNull(join(directoryOf(home, version), RECORD), snapshotShape);
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Brings a file's content to disk. */
async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Copies OpenClaw's databases, also while it runs: SQLite's own online backup. The snapshot of an earlier time of the
 * same version stays until the new one is whole.
 */
export async function takeSnapshot(home: GatewayHome, openclawVersion: string, now: Date): Promise<Snapshot> {
  const target = directoryOf(home, openclawVersion);
  const [staging, old] = [`${target}.new`, `${target}.old`];
  await ensureDirectory(home.snapshots, { mode: 0o700 });
  await rm(staging, { recursive: true, force: true });
  await ensureDirectory(staging, { mode: 0o700 });
  const databases: Snapshot["databases"][number][] = [];
  for (const path of await stateDatabases(home)) {
    const file = `${databases.length}.sqlite`;
    const source = new DatabaseSync(join(home.openclaw, path), { readOnly: true });
    try {
      await backup(source, join(staging, file));
    } finally {
      source.close();
    }
    await chmod(join(staging, file), 0o600);
    await sync(join(staging, file));
    const copy = join(staging, file);
    databases.push({ path, version: schemaVersion(copy), file, sha256: await hashOf(copy) });
  }
  const snapshot = { openclawVersion, time: now.toISOString(), databases };
  await writeFileAtomic(join(staging, RECORD), `${JSON.stringify(snapshot, null, 2)}\n`, { mode: 0o600 });
  await rm(old, { recursive: true, force: true });
  await rename(target, old).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
  });
  await rename(staging, target);
  await rm(old, { recursive: true, force: true });
  await syncDirectory(home.snapshots);
  return snapshot;
}

/** @throws {PhaseFailure} `snapshot-damaged`: nothing was touched. */
export async function checkSnapshot(home: GatewayHome, { openclawVersion, databases }: Snapshot): Promise<void> {
  for (const { file, path, sha256 } of databases) {
    const found = await hashOf(join(directoryOf(home, openclawVersion), file)).catch(() => undefined);
    if (found === sha256) continue;
    throw new PhaseFailure({
      layer: "config or disk",
      code: "snapshot-damaged",
      message: `the snapshot of OpenClaw ${openclawVersion} is damaged: the copy of ${path} ${found === undefined ? "can't be read" : "is not what was written"}`,
      fix: "go to a generation of the version that runs now, or restore that database from your own backup",
      exit: EXIT.refused,
    });
  }
}

/**
 * Makes OpenClaw's databases those of a snapshot; a database that it does not have is removed. The gateway must not run.
 * Killed in between, a repetition ends it.
 */
export async function putBack(home: GatewayHome, { openclawVersion, databases }: Snapshot): Promise<void> {
  const wanted = new Map(databases.map(({ path, file }) => [path, file]));
  for (const path of new Set([...(await stateDatabases(home)), ...wanted.keys()])) {
    const target = join(home.openclaw, path);
    const file = wanted.get(path);
    if (file !== undefined) {
      const staging = `${target}.gatehouse-tmp`;
      await copyFile(join(directoryOf(home, openclawVersion), file), staging);
      await chmod(staging, 0o600);
      await sync(staging);
      // before the rename: a journal of the other file must not be played into this one
      for (const companion of ["-wal", "-shm"]) await rm(`${target}${companion}`, { force: true });
      await rename(staging, target);
    } else for (const companion of ["", "-wal", "-shm"]) await rm(`${target}${companion}`, { force: true });
    await syncDirectory(dirname(target));
  }
}

/** Removes the snapshots of versions that no kept generation has. */
export async function pruneSnapshots(home: GatewayHome, kept: readonly string[]): Promise<void> {
  const names = await readdir(home.snapshots).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  for (const name of names)
    if (!kept.includes(name)) await rm(join(home.snapshots, name), { recursive: true, force: true });
}
