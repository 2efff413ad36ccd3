import { absolutePath, gatewayName, integer, list, object, text, textLike, userName } from "../lib/shape.ts";
import { unitName } from "../generation/manifest.ts";
import type { OsUser } from "../platform/index.ts";
import type { Context, UserCommand } from "../phase.ts";
import { collectAsUser } from "./collect.ts";
import type { CollectPayload } from "./collect.ts";
import type { DiagnosePayload, NodeEvidence, UserEvidence } from "./evidence.ts";

/** The operator's side waits at most a little longer. */
export const DIAGNOSE_SECONDS = 120;

const fields = {
  machineId: textLike(/^[0-9A-Fa-f-]{8,64}$/, "a machine id (hex digits and '-')"),
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  port: integer(1024, 65000),
  unit: unitName,
  agents: list(gatewayName),
  sinceSeconds: integer(1, 7 * 24 * 3600),
};
export const checkDiagnose = object<DiagnosePayload>(fields);
const checkCollect = object<CollectPayload>({ ...fields, sudoPath: text });

async function listenerOf(port: number, user: OsUser | undefined, context: Context): Promise<string> {
  const uid = await context.platform.listenerUid(port);
  if (uid === undefined) return "nobody";
  return uid === user?.uid ? "own" : `uid ${uid}`;
}

/** Looks at one gateway, as root and as its user, and changes nothing. */
export async function diagnose(payload: DiagnosePayload, context: Context): Promise<NodeEvidence> {
  const start = performance.now();
  const { platform } = context;
  const found = await platform.users.find(payload.user);
  const user = found?.home === payload.home && found.uid !== 0 ? found : undefined;
  const time = new Date().toISOString();
  const [machineId, listener, freeBytes, linger] = await Promise.all([
    platform.machineId(),
    listenerOf(payload.port, user, context),
    platform.freeBytes(user === undefined ? "/" : payload.home).catch(() => null),
    platform.users.startsAtBoot(payload.user),
  ]);
  const collect: CollectPayload = { ...payload, sudoPath: process.env["PATH"] ?? "/usr/bin:/bin" };
  const gateway =
    user === undefined
      ? null
      : ((await context.asUser(user, "diagnose-collect", collect, {
          timeoutSeconds: DIAGNOSE_SECONDS - 10,
        })) as UserEvidence);
  return {
    time,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    machineId,
    expectedMachineId: payload.machineId,
    uid: user?.uid ?? null,
    lingers: linger,
    freeBytes,
    listener,
    gateway,
  };
}

export const diagnoseCommands: Readonly<Record<string, UserCommand>> = {
  "diagnose-collect": (payload, context) => collectAsUser(checkCollect(payload, "payload"), context),
};
