import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory, writeFileAtomic } from "../lib/atomic.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull } from "../lib/json-file.ts";
import { directoryName, integer, object, oneOf, optional } from "../lib/shape.ts";
import { generationName } from "../generation/manifest.ts";

/**
 * Exists while a switch is under way (`switching`) or has passed its gate but was not confirmed from a second SSH
 * session (`unconfirmed`). Says what to return to.
 */
export interface Journal {
  readonly state: "switching" | "unconfirmed";
  /** The last confirmed generation; absent when there has been none. */
  readonly from?: string;
  readonly to: string;
  /** Seconds between stopping the old process and the new one's readiness; 0 while that is not known. */
  readonly interruptionMs: number;
  /** OpenClaw version whose snapshot goes back with the return, where the state's schema has changed since. */
  readonly snapshot?: string;
}

const journalShape = object<Journal>({
  state: oneOf("switching", "unconfirmed"),
  from: optional(generationName),
  to: generationName,
  interruptionMs: integer(0, 10_000_000),
  snapshot: optional(directoryName),
});

export async function readJournal(home: GatewayHome): Promise<Journal | null> {
  return await readJsonOrNull(home.switchJournal, journalShape);
}

export async function writeJournal(home: GatewayHome, journal: Journal): Promise<void> {
  await writeFileAtomic(home.switchJournal, `${JSON.stringify(journal)}\n`, { mode: 0o600 });
}

export async function clearJournal(home: GatewayHome): Promise<void> {
  await rm(home.switchJournal, { force: true });
  await syncDirectory(dirname(home.switchJournal));
}

/** A generation that was taken back by the dead-man timer or at a boot, not by its gate. */
export interface RolledBack {
  readonly generation: string;
  readonly reason: "interrupted" | "unconfirmed";
}

const rolledBackShape = object<RolledBack>({
  generation: generationName,
  reason: oneOf("interrupted", "unconfirmed"),
});

export async function readRolledBack(home: GatewayHome): Promise<RolledBack | null> {
  return await readJsonOrNull(home.rolledBack, rolledBackShape);
}

export async function writeRolledBack(home: GatewayHome, entry: RolledBack): Promise<void> {
  await writeFileAtomic(home.rolledBack, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
}

export async function clearRolledBack(home: GatewayHome): Promise<void> {
  await rm(home.rolledBack, { force: true });
}
