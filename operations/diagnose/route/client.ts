import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { member } from "../../../node/lib/member.ts";
import { comparable, rowsOf, STATE_DATABASE } from "../../../node/way/devices.ts";
import type { RouteAddress, RouteClient } from "./evidence.ts";

/** The URL that a remote client dials, with the source that wins; null where it has none. */
export interface ClientUrl {
  readonly url: string;
  readonly source: string;
}

async function configOf(stateDir: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(stateDir, "openclaw.json"), "utf8")) as unknown;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

/** The environment wins over the configuration (facts: remote-access.md 1). @throws for a configuration that can't be read. */
export async function clientUrl(stateDir: string, env: NodeJS.ProcessEnv): Promise<ClientUrl | null> {
  const variable = env["OPENCLAW_GATEWAY_URL"]?.trim() ?? "";
  if (variable !== "") return { url: variable, source: "OPENCLAW_GATEWAY_URL" };
  const config = await configOf(stateDir);
  const url = member(config, "gateway", "remote", "url");
  return typeof url === "string" && url.trim() !== ""
    ? { url: url.trim(), source: `gateway.remote.url of ${stateDir}` }
    : null;
}

function pinOf(text: unknown): string | null {
  if (typeof text !== "string" || text.trim() === "") return null;
  const hex = text
    .trim()
    .toLowerCase()
    .replace(/^sha-?256:/, "")
    .replaceAll(":", "");
  return /^[0-9a-f]{64}$/.test(hex) ? (hex.toUpperCase().match(/../g) ?? []).join(":") : "malformed";
}

/** The vendor keeps a device token by scheme, host, port and path (OpenClaw 2026.9.6, `gateway-origin-scope.ts`). */
function scopeOf(url: string): string {
  return url.replace(/\/$/, "");
}

interface Device {
  readonly deviceId: string | null;
  readonly tokens: readonly { readonly scope: string; readonly token: string }[];
}

function deviceOf(stateDir: string): Device {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(join(stateDir, STATE_DATABASE), { readOnly: true });
  } catch (error) {
    // no database: the client never kept anything
    if ((error as { errcode?: number }).errcode === 14) return { deviceId: null, tokens: [] };
    throw error;
  }
  try {
    const id = rowsOf(database, "device_identities", ["device_id"])[0]?.["device_id"];
    const rows = rowsOf(database, "gateway_origin_device_tokens", ["gateway_scope", "device_id", "token"]);
    return {
      deviceId: typeof id === "string" && /^[0-9a-f]{64}$/.test(id) ? id : null,
      tokens: rows
        .filter((row) => row["device_id"] === id)
        .map((row) => ({ scope: String(row["gateway_scope"]), token: String(row["token"]) })),
    };
  } finally {
    database.close();
  }
}

/**
 * What a client's state says of this address; read, never used. `comparisonKey` stands for one run.
 * @throws when its configuration or its database can't be read.
 */
export async function routeClient(
  stateDir: string,
  env: NodeJS.ProcessEnv,
  { url }: RouteAddress,
  comparisonKey: string,
): Promise<RouteClient> {
  const config = await configOf(stateDir);
  const { deviceId, tokens } = deviceOf(stateDir);
  const scope = scopeOf(url);
  const scopes = [scope, scope.replace(/^ws/, "http")];
  const own = tokens.find((one) => scopes.includes(one.scope));
  const blank = own === undefined || own.token.trim() === "";
  return {
    stateDir,
    urlSource: (await clientUrl(stateDir, env))?.source ?? null,
    pin: pinOf(member(config, "gateway", "remote", "tlsFingerprint")),
    remoteMode: member(config, "gateway", "mode") === "remote" || (env["OPENCLAW_GATEWAY_URL"]?.trim() ?? "") !== "",
    deviceId,
    deviceToken: own === undefined ? "missing" : blank ? "blank" : "set",
    deviceTokenMark: blank ? null : comparable(own.token.trim(), comparisonKey),
    otherOrigins: tokens
      .map((one) => one.scope)
      .filter((one) => !scopes.includes(one))
      .map((one) => one.replace(/[^\w.:/[\]-]/g, "?").slice(0, 120)),
  };
}
