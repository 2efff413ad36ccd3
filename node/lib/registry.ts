import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureDirectory, syncDirectory, writeFileAtomic } from "./atomic.ts";
import { errnoOf } from "./failure.ts";
import type { NodePaths } from "./paths.ts";
import { absolutePath, directoryName, gatewayName, list, object, oneOf, optional, userName } from "./shape.ts";
import type { StartsAt } from "../protocol.ts";

/** One gateway that lives on this node, as root knows it. */
export interface RegisteredGateway {
  readonly gateway: string;
  readonly user: string;
  readonly home: string;
  /** Absent: `boot`. On macOS it decides as root in which domain the job is. */
  readonly startsAt?: StartsAt;
  /** Runtimes that its live and kept generations need; absent until the first switch, when any may be needed. */
  readonly runtimes?: readonly string[];
  /** Directories that its user was let into. */
  readonly shared?: readonly string[];
}

const shape = object<RegisteredGateway>({
  gateway: gatewayName,
  user: userName,
  home: absolutePath,
  startsAt: optional(oneOf("boot", "login")),
  runtimes: optional(list(directoryName)),
  shared: optional(list(absolutePath)),
});

/** Every gateway whose account phase ran and whose removal did not. */
export async function registeredGateways(paths: NodePaths): Promise<readonly RegisteredGateway[]> {
  const names = await readdir(paths.gateways).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const files = names.filter((name) => name.endsWith(".json")).sort();
  return await Promise.all(
    files.map(async (name) => {
      const path = join(paths.gateways, name);
      return shape(JSON.parse(await readFile(path, "utf8")), path);
    }),
  );
}

/** The gateway of a user. */
export async function gatewayOfUser(paths: NodePaths, user: string): Promise<RegisteredGateway | undefined> {
  return (await registeredGateways(paths)).find((entry) => entry.user === user);
}

export async function registerGateway(paths: NodePaths, entry: RegisteredGateway): Promise<void> {
  await ensureDirectory(paths.gateways, { mode: 0o700 });
  await writeFileAtomic(join(paths.gateways, `${entry.gateway}.json`), `${JSON.stringify(entry)}\n`, { mode: 0o600 });
}

/** Notes which runtimes a gateway's generations need, so that removing a runtime keeps them. */
export async function recordRuntimes(paths: NodePaths, gateway: string, runtimes: readonly string[]): Promise<void> {
  const entry = (await registeredGateways(paths)).find((candidate) => candidate.gateway === gateway);
  if (entry === undefined) return;
  const wanted = [...new Set(runtimes)].sort();
  if (wanted.join("\n") !== entry.runtimes?.join("\n")) await registerGateway(paths, { ...entry, runtimes: wanted });
}

export async function unregisterGateway(paths: NodePaths, gateway: string): Promise<void> {
  await rm(join(paths.gateways, `${gateway}.json`), { force: true });
  await syncDirectory(paths.gateways).catch(() => undefined);
}
