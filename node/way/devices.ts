import { createHmac } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { member } from "../lib/member.ts";
import type { DevicesEvidence } from "./evidence.ts";

/** Where a device's id, its key pair and its tokens are, on both sides (facts: remote-access.md 1). */
export const STATE_DATABASE = join("state", "openclaw.sqlite");

/** What two sides may compare of a token: nothing can be told from it without the key, which lives for one run. */
export function comparable(token: string, key: string): string {
  return createHmac("sha256", key).update(token).digest("hex").slice(0, 32);
}

/** Rows of a table; none when the database has no such table, as before the first use. */
export function rowsOf(database: DatabaseSync, table: string, columns: readonly string[]): Record<string, unknown>[] {
  const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table);
  return known === undefined ? [] : database.prepare(`SELECT ${columns.join(", ")} FROM ${table}`).all();
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const word = (value: unknown): string =>
  text(value)
    .replace(/[^\w.-]/g, "?")
    .slice(0, 80);

function tokensOf(json: unknown, key: string): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text(json));
  } catch {
    return {};
  }
  return Object.fromEntries(
    Object.keys(parsed ?? {}).flatMap((role) => {
      const token = member(parsed, role, "token");
      const revoked = member(parsed, role, "revokedAtMs");
      return typeof token === "string" && typeof revoked !== "number" ? [[word(role), comparable(token, key)]] : [];
    }),
  );
}

/** The devices that a gateway has paired, read from its own database. @throws what node:sqlite says. */
export function pairedDevices(openclaw: string, key: string): DevicesEvidence {
  const database = new DatabaseSync(join(openclaw, STATE_DATABASE), { readOnly: true });
  try {
    return {
      paired: rowsOf(database, "device_pairing_paired", ["device_id", "tokens_json"]).map((row) => ({
        id: word(row["device_id"]),
        tokens: tokensOf(row["tokens_json"], key),
      })),
      pending: rowsOf(database, "device_pairing_pending", ["device_id", "request_id"]).map((row) => ({
        id: word(row["device_id"]),
        request: word(row["request_id"]),
      })),
    };
  } finally {
    database.close();
  }
}
