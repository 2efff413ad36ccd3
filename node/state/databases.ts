import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";

/** Which schema a database of OpenClaw's state has: its `PRAGMA user_version`, which its binary compares with its own. */
export interface Schema {
  /** Below OpenClaw's state directory. */
  readonly path: string;
  readonly version: number;
}

async function databasesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(".sqlite")).sort();
}

/** OpenClaw's databases that are there, below its state directory: the shared one and each agent's. */
export async function stateDatabases({ openclaw }: GatewayHome): Promise<readonly string[]> {
  const agents = await readdir(join(openclaw, "agents")).catch(() => []);
  const places = ["state", ...agents.sort().map((agent) => join("agents", agent, "agent"))];
  const found = await Promise.all(
    places.map(async (place) => (await databasesIn(join(openclaw, place))).map((name) => join(place, name))),
  );
  return found.flat();
}

/** `PRAGMA user_version` of one database file. @throws what node:sqlite says of a file that is none. */
export function schemaVersion(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  } finally {
    database.close();
  }
}

/** The schema of every database that is there. */
export async function stateSchemas(home: GatewayHome): Promise<readonly Schema[]> {
  const paths = await stateDatabases(home);
  return paths.map((path) => ({ path, version: schemaVersion(join(home.openclaw, path)) }));
}

/** Databases with a newer schema than `known` has for the same kind of database (an agent's, the shared one). */
export function newerThan(known: readonly Schema[], now: readonly Schema[]): readonly Schema[] {
  const versions = new Map<string, number>();
  for (const { path, version } of known)
    versions.set(basename(path), Math.max(version, versions.get(basename(path)) ?? 0));
  return now.filter(({ path, version }) => version > (versions.get(basename(path)) ?? -1));
}
