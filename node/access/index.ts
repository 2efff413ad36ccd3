import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { gatewayUser, ownUser } from "../lib/gateway-user.ts";
import { readJsonOrNull, readTextOrNull } from "../lib/json-file.ts";
import { withLock } from "../lib/lock.ts";
import {
  absolutePath,
  gatewayName,
  integer,
  list,
  machineExpectation,
  nullable,
  object,
  text,
  textLike,
  userName,
} from "../lib/shape.ts";
import type { Context, Phase, Removed } from "../phase.ts";
import { EXIT } from "../protocol.ts";
import type { AccessKey, AccessPayload, AccessResult, InstalledKey } from "../protocol.ts";
import { authorizedKeys, foreignKeys, keyFingerprint } from "./authorized-keys.ts";

const keyShape = object<AccessKey>({
  principal: gatewayName,
  publicKey: textLike(/^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,}={0,2}$/, "a public SSH key"),
  from: list(textLike(/^[A-Za-z0-9.*?:/-]{1,260}$/, "an address, a CIDR block or a host pattern")),
  command: nullable(textLike(/^\/[\x20-\x7e]{1,1000}$/, "a command line with an absolute path")),
  tunnelPort: nullable(integer(1024, 65000)),
});

const shape = object<AccessPayload>({
  machine: machineExpectation,
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  keys: list(keyShape),
});

const recordShape = list(
  object<InstalledKey>({ principal: gatewayName, fingerprint: text, issued: text, rotated: text }),
);

const check = (payload: unknown): AccessPayload => shape(payload, "payload");

interface Place {
  readonly directory: string;
  readonly file: string;
}

/** Of the user that this process runs as: root writes nothing below a home, where the user could put a link in its way. */
function ownPlace(): Place {
  const directory = join(ownUser().home, ".ssh");
  return { directory, file: join(directory, "authorized_keys") };
}

/** The keys that are there. @throws {PhaseFailure} `foreign-keys` when Gatehouse did not write all of them. */
async function ownKeys({ file }: Place): Promise<string> {
  const content = (await readTextOrNull(file)) ?? "";
  const foreign = foreignKeys(content);
  if (foreign === 0) return content;
  throw new PhaseFailure({
    layer: "host",
    code: "foreign-keys",
    message: `${file} has ${foreign} key${foreign === 1 ? "" : "s"} that Gatehouse did not write`,
    fix: "declare whoever they belong to in the fleet's `principals`, and take the lines out of that file",
    exit: EXIT.refused,
  });
}

async function writeKeys(untrusted: unknown): Promise<undefined> {
  const content = authorizedKeys(check(untrusted).keys);
  const place = ownPlace();
  if ((await ownKeys(place)) === content) return;
  await ensureDirectory(place.directory, { mode: 0o700 });
  await writeFileAtomic(place.file, content, { mode: 0o600 });
}

async function removeKeys(untrusted: unknown): Promise<undefined> {
  check(untrusted);
  const place = ownPlace();
  await ownKeys(place);
  await rm(place.file, { force: true });
}

/** Who has which key since when: what kept its fingerprint keeps its dates. */
function dated(known: readonly InstalledKey[], keys: readonly AccessKey[], now: string): InstalledKey[] {
  return keys.map(({ principal, publicKey }) => {
    const fingerprint = keyFingerprint(publicKey);
    const before = known.find((entry) => entry.principal === principal);
    if (before?.fingerprint === fingerprint) return before;
    return { principal, fingerprint, issued: before?.issued ?? now, rotated: now };
  });
}

async function locked<T>(gateway: string, context: Context, work: () => Promise<T>): Promise<T> {
  await ensureDirectory(context.paths.locks, { mode: 0o700 });
  const path = join(context.paths.locks, `access-${gateway}.sqlite`);
  return await withLock(
    { path, what: `the access to ${gateway}`, progress: context.progress, signal: context.signal },
    work,
  );
}

async function apply(payload: AccessPayload, context: Context): Promise<AccessResult> {
  const { users } = context.platform;
  const user = await gatewayUser(users, payload.user, payload.home);
  return await locked(payload.gateway, context, async () => {
    const record = join(context.paths.access, `${payload.gateway}.json`);
    const known = (await readJsonOrNull(record, recordShape)) ?? [];
    const next = dated(known, payload.keys, new Date().toISOString());
    await context.asUser(user, "access-write", payload, { timeoutSeconds: 60 });
    await users.setShell(user, payload.keys.some(({ command }) => command !== null) ? "commands" : "none");
    const gone = known.some(({ fingerprint }) => !next.some((entry) => entry.fingerprint === fingerprint));
    // sshd does not say whose key a session came with: whoever still may comes again
    const endedSessions = gone ? await users.endSessions(user) : 0;
    // last: killed before, the next run still knows that a key is gone
    await ensureDirectory(context.paths.access, { mode: 0o700 });
    if (JSON.stringify(known) !== JSON.stringify(next)) {
      await writeFileAtomic(record, `${JSON.stringify(next)}\n`, { mode: 0o600 });
    }
    return { keys: next, endedSessions };
  });
}

async function remove(payload: AccessPayload, context: Context): Promise<Removed> {
  const { users } = context.platform;
  const user = await users.find(payload.user);
  const record = join(context.paths.access, `${payload.gateway}.json`);
  return await locked(payload.gateway, context, async () => {
    if (user !== undefined && (await readJsonOrNull(record, recordShape)) !== null) {
      await context.asUser(user, "access-remove", payload, { timeoutSeconds: 60 });
      await users.setShell(user, "none");
      await users.endSessions(user);
    }
    await rm(record, { force: true });
    return { removed: payload.keys.map(({ principal }) => `access of ${principal} to ${payload.gateway}`), kept: [] };
  });
}

/** Lets CI runners and people reach one gateway over SSH, each with a key of its own and for what the spec says. */
export const accessPhase: Phase<"access"> = {
  name: "access",
  watchdogSeconds: 120,
  check,
  apply,
  remove,
  userCommands: { "access-write": writeKeys, "access-remove": removeKeys },
};
