import { join } from "node:path";
import { EXIT } from "../protocol.ts";
import type { AccountPayload, AccountResult } from "../protocol.ts";
import { ensureDirectory } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { allowSleepIfUnused } from "../lib/awake.ts";
import { withLock } from "../lib/lock.ts";
import { registerGateway, registeredGateways, unregisterGateway } from "../lib/registry.ts";
import { ensureSealingKey } from "../lib/sealing-key.ts";
import { absolutePath, flag, gatewayName, list, machineExpectation, object, oneOf, optional, userName } from "../lib/shape.ts"; // prettier-ignore
import type { Context, Phase, Removed } from "../phase.ts";
import type { OsUser } from "../platform/index.ts";
import type { RegisteredGateway } from "../lib/registry.ts";
import { foreignAncestorObjection, homeObjections, noSuchStart, personalObjection, userObjections } from "./objections.ts"; // prettier-ignore
import { shareDirectories } from "./shared.ts";

const shape = object<AccountPayload>({
  machine: machineExpectation,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  sharedDirectories: list(absolutePath),
  startsAt: optional(oneOf("boot", "login")),
  purge: flag,
});

function refused(message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "host", code: "account-refused", message, fix, exit: EXIT.refused });
}

async function locked<T>(context: Context, work: () => Promise<T>): Promise<T> {
  await ensureDirectory(context.paths.locks, { mode: 0o700 });
  // One lock for all accounts: useradd and its files are one resource.
  const path = join(context.paths.locks, "account.sqlite");
  return await withLock(
    { path, what: "the accounts of this node", progress: context.progress, signal: context.signal },
    work,
  );
}

async function ownUser(payload: AccountPayload, context: Context): Promise<OsUser> {
  const { users, hints, accounts } = context.platform;
  const startsAt = payload.startsAt ?? "boot";
  const rules = accounts[startsAt];
  const [facts, home, foreign] = await Promise.all([
    users.inspect(payload.user),
    users.inspectHome(payload.home),
    users.foreignAncestor(payload.home),
  ]);
  const absence =
    rules === undefined ? noSuchStart(startsAt) : personalObjection(payload.user, { user: facts, home }, rules);
  const [objection] = [
    ...(facts === undefined ? [] : userObjections(facts, payload.home, context.platform, startsAt)),
    ...(absence === undefined ? [] : [absence]),
    ...(foreign === undefined ? [] : [foreignAncestorObjection(payload.home, foreign, hints)]),
    ...homeObjections(payload.home, home, facts?.uid),
  ];
  if (objection !== undefined) throw refused(objection.message, objection.fix);
  if (facts !== undefined) return facts;
  context.progress(`creating the user ${payload.user}`);
  return await users.create(payload.user, payload.home, `OpenClaw gateway ${payload.gateway} (gatehouse)`);
}

/** Registers the gateway with the directories its user may read; killed anywhere, the record names all that were granted. */
async function share(
  payload: AccountPayload,
  user: OsUser,
  own: RegisteredGateway | undefined,
  context: Context,
): Promise<void> {
  const { users } = context.platform;
  const wanted = payload.sharedDirectories;
  const dropped = (own?.shared ?? []).filter((path) => !wanted.includes(path));
  const entry = own ?? {
    ...{ gateway: payload.gateway, user: user.name, home: user.home },
    ...(payload.startsAt === "login" && { startsAt: payload.startsAt }),
  };
  const known = [...wanted, ...dropped];
  const register = (shared: readonly string[]): Promise<void> =>
    registerGateway(context.paths, { ...entry, ...(shared.length + known.length === 0 ? {} : { shared }) });
  if (own === undefined || known.join("\n") !== (own.shared ?? []).join("\n")) await register(known);
  await shareDirectories(users, user, wanted);
  for (const path of dropped) await users.revokeRead(user, path);
  if (dropped.length > 0) await register(wanted);
}

async function apply(payload: AccountPayload, context: Context): Promise<AccountResult> {
  return await locked(context, async () => {
    const known = await registeredGateways(context.paths);
    const other = known.find((entry) => entry.user === payload.user && entry.gateway !== payload.gateway);
    if (other !== undefined) {
      throw refused(
        `the user ${payload.user} already belongs to the gateway ${other.gateway}`,
        "give each gateway a user of its own; two gateways under one user can read each other's keys",
      );
    }
    const own = known.find((entry) => entry.gateway === payload.gateway);
    if (own !== undefined && (own.user !== payload.user || own.home !== payload.home)) {
      throw refused(
        `the gateway ${payload.gateway} lives under the user ${own.user} in ${own.home}, not ${payload.user} in ${payload.home}`,
        "user and home of a gateway stay: take the gateway out of the fleet, apply, and add it again with the new ones",
      );
    }
    if (own !== undefined && (own.startsAt ?? "boot") !== (payload.startsAt ?? "boot")) {
      throw refused(
        `the gateway ${payload.gateway} starts at ${own.startsAt ?? "boot"}, not at ${payload.startsAt ?? "boot"}`,
        "a user that somebody logs in to and one that nobody can log in to are two: take the gateway out of the fleet, apply, and add it again with another user",
      );
    }
    const user = await ownUser(payload, context);
    await context.platform.users.makeHome(user);
    await share(payload, user, own, context);
    await context.platform.users.keepManager(user, context.progress);
    return { uid: user.uid, gid: user.gid, home: user.home, sealingKey: await ensureSealingKey(context.paths) };
  });
}

async function remove(payload: AccountPayload, context: Context): Promise<Removed> {
  return await locked(context, async () => {
    const { users } = context.platform;
    const user = await users.find(payload.user);
    const removed: string[] = [];
    const kept: string[] = [];
    if (user !== undefined) {
      const owner = (await registeredGateways(context.paths)).find((entry) => entry.user === payload.user);
      if (owner !== undefined && owner.gateway !== payload.gateway) {
        throw refused(
          `the user ${payload.user} belongs to the gateway ${owner.gateway}, not to ${payload.gateway}`,
          "remove the other gateway, or correct the spec",
        );
      }
      const personal = [payload.startsAt, owner?.startsAt].includes("login");
      // somebody may be at work as it: of that account only the gateway was ours
      if (!personal) {
        context.progress(`stopping the service manager of ${user.name}`);
        await users.stopManager(user);
        removed.push(`linger and service manager of ${user.name}`);
      }
      for (const path of owner?.shared ?? []) {
        await users.revokeRead(user, path);
        removed.push(`access of ${user.name} to ${path}`);
      }
      // Without our record we never made or adopted this user (or a purge already ran): it is not ours to delete.
      if (payload.purge && owner !== undefined && !personal) {
        await users.purge(user);
        removed.push(`user ${user.name} with ${user.home}`);
      } else {
        kept.push(`user ${user.name} with ${user.home}`);
      }
    }
    await unregisterGateway(context.paths, payload.gateway);
    await allowSleepIfUnused(context);
    return { removed, kept };
  });
}

export const accountPhase: Phase<"account"> = {
  name: "account",
  watchdogSeconds: 240,
  check: (payload) => shape(payload, "payload"),
  apply,
  remove,
};
