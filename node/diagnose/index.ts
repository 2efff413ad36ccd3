import {
  absolutePath,
  gatewayName,
  integer,
  list,
  machineId,
  object,
  optional,
  textLike,
  userName,
} from "../lib/shape.ts";
import { unitName } from "../generation/manifest.ts";
import type { OsUser } from "../platform/index.ts";
import type { Context, UserCommand } from "../phase.ts";
import { collectAsUser } from "./collect.ts";
import { operatorPrograms, ownPrograms, programsOfOperator } from "./identities.ts";
import { clockSynchronized, freeInodes } from "./machine.ts";
import type { CollectPayload } from "./collect.ts";
import type { DiagnosePayload, NodeEvidence, UserEvidence } from "./evidence.ts";

/** The operator's side waits at most a little longer. */
export const DIAGNOSE_SECONDS = 240;

const fields = {
  machineId,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  port: integer(1024, 65000),
  unit: unitName,
  agents: list(gatewayName),
  sinceSeconds: integer(1, 7 * 24 * 3600),
  operator: textLike(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, "a user name"),
};
export const checkDiagnose = object<DiagnosePayload>(fields);
const checkCollect = object<CollectPayload>({ ...fields, programs: optional(operatorPrograms) });

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
  const below = user === undefined ? "/" : payload.home;
  const [machineId, listener, freeBytes, inodes, synchronized, linger, programs, boot] = await Promise.all([
    platform.machineId(),
    listenerOf(payload.port, user, context),
    platform.freeBytes(below).catch(() => null),
    freeInodes(below).catch(() => null),
    clockSynchronized().catch(() => null),
    platform.users.startsAtBoot(payload.user),
    programsOfOperator(payload.operator, context).catch(() => null),
    platform.bootFacts(),
  ]);
  const collect: CollectPayload = {
    ...payload,
    ...(programs !== null && { programs }),
  };
  const gateway =
    user === undefined
      ? null
      : ((await context.asUser(user, "diagnose-collect", collect, {
          timeoutSeconds: DIAGNOSE_SECONDS - 10,
        })) as UserEvidence);
  return {
    time,
    seconds: Math.round((performance.now() - start) / 100) / 10,
    platform: platform.name,
    machineId,
    expectedMachineId: payload.machineId,
    uid: user?.uid ?? null,
    lingers: linger,
    freeBytes,
    freeInodes: inodes,
    clockSynchronized: synchronized ?? boot.networkTime ?? null,
    boot,
    listener,
    gateway:
      gateway === null || programs !== null ? gateway : { ...gateway, gaps: [...gateway.gaps, "the operator's PATH"] },
  };
}

export const diagnoseCommands: Readonly<Record<string, UserCommand>> = {
  "diagnose-collect": (payload, context) => collectAsUser(checkCollect(payload, "payload"), context),
  "diagnose-programs": () => ownPrograms(),
};
