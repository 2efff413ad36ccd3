import { unitName } from "../generation/manifest.ts";
import { errnoOf, PhaseFailure } from "../lib/failure.ts";
import { absolutePath, gatewayName, integer, list, machineId, object, userName } from "../lib/shape.ts";
import type { Context, UserCommand } from "../phase.ts";
import { observe } from "./collect.ts";
import type { AuditGateway, AuditPayload, ObservedAsUser, ObservedGateway, ObservedNode } from "./observed.ts";

/** Of one gateway: the vendor's three audits take 20 to 30 s on two cores. */
const GATEWAY_SECONDS = 200;
export const AUDIT_SECONDS = 1800;

const auditGateway = object<AuditGateway>({
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  port: integer(1024, 65000),
  unit: unitName,
  agents: list(gatewayName),
  paths: list(absolutePath),
});

export const checkAudit = object<AuditPayload>({
  machineId,
  gateways: list(auditGateway),
});

/** Null for a process that ended while it was looked at. */
async function hardeningOf(
  profile: NonNullable<ObservedAsUser["profile"]>,
  pid: number,
  { platform }: Context,
): Promise<readonly string[] | null> {
  try {
    return await platform.hardening(profile, pid);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return null;
  }
}

async function observeGateway(subject: AuditGateway, context: Context): Promise<ObservedGateway> {
  const { platform } = context;
  const [facts, lingering, listeners] = await Promise.all([
    platform.users.inspect(subject.user),
    platform.users.startsAtBoot(subject.user),
    platform.listenerAddresses(subject.port),
  ]);
  const seen = {
    gateway: subject.gateway,
    account: facts?.home === subject.home ? { groups: facts.groups, hasPassword: facts.hasPassword } : null,
    lingers: lingering,
    listeners,
  };
  if (facts?.home !== subject.home || facts.uid === 0) {
    return { ...seen, hardening: null, failure: `${subject.user} has no home at ${subject.home}` };
  }
  try {
    const own = (await context.asUser(facts, "audit-observe", subject, {
      timeoutSeconds: GATEWAY_SECONDS,
    })) as ObservedAsUser;
    const hardening =
      own.profile === null || own.mainPid === 0 ? null : await hardeningOf(own.profile, own.mainPid, context);
    return { ...seen, ...own, hardening, failure: null };
  } catch (error) {
    const failure = error instanceof PhaseFailure ? error.message : "it could not be looked at";
    return { ...seen, hardening: null, failure };
  }
}

/** What the rules of the catalogue read, as it is on the machine. Changes nothing. */
export async function audit(payload: AuditPayload, context: Context): Promise<ObservedNode> {
  const { platform, paths } = context;
  const [machineId, objections, boot] = await Promise.all([
    platform.machineId(),
    platform.alwaysOn.objections(paths),
    platform.bootFacts(),
  ]);
  const gateways: ObservedGateway[] = [];
  for (const subject of payload.gateways) {
    context.progress(`looking at ${subject.gateway}`);
    gateways.push(await observeGateway(subject, context));
  }
  return { machineId, sleepPrevented: !objections.some(({ about }) => about === "sleep"), boot, gateways };
}

export const auditCommands: Readonly<Record<string, UserCommand>> = {
  "audit-observe": (payload, context) => observe(auditGateway(payload, "payload"), context),
};
