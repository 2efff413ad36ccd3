import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { liveGeneration, readGeneration } from "../generation/store.ts";
import { agentsWithKeyFile } from "../generation/manifest.ts";
import type { Manifest } from "../generation/manifest.ts";
import type { StoredGeneration } from "../generation/store.ts";
import { errnoOf } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import type { UnitFile, UnitFiles } from "../platform/services.ts";
import { liveDifferences } from "../switch/live-files.ts";
import { configurationAuthor, unitAuthor } from "./author.ts";
import type { EditEvidence, FileEvidence, GenerationEvidence } from "./evidence.ts";
import type { Gaps } from "./sources.ts";

export interface Declared {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly mode: number;
  readonly owner: UnitFile["owner"];
}

/** What has to be there in this form. */
export function declared(
  home: GatewayHome,
  unit: string,
  agents: readonly string[],
  manifest: Manifest | null,
  services: UnitFiles,
): Declared[] {
  const owner = "gateway user";
  const directory = (path: string): Declared => ({ path, kind: "directory", mode: 0o700, owner });
  const file = (path: string): Declared => ({ path, kind: "file", mode: 0o600, owner });
  return [
    directory(home.openclaw),
    directory(home.gatehouse),
    directory(home.generations),
    ...agents.flatMap((agent) => [
      directory(join(home.openclaw, "agents", agent, "agent")),
      directory(join(home.workspaces, agent)),
    ]),
    file(home.config),
    file(home.environmentFile),
    { kind: "file", ...services.unitFile(home, unit) },
    ...(manifest?.https === undefined
      ? []
      : [
          directory(home.tls),
          ...["key.pem", "certificate.pem", "authority.pem"].map((name) => file(join(home.tls, name))),
        ]),
    ...(manifest === null || agentsWithKeyFile(manifest).length === 0 ? [] : [file(home.keys)]),
    ...(manifest?.launch === undefined ? [] : [file(home.launcher), file(home.launchPlan)]),
    ...(manifest?.policy === undefined ? [] : [file(home.policy)]),
  ];
}

async function fileEvidence(
  { path, kind, mode, owner }: Declared,
  ownUid: number,
  startedAt: string | null,
): Promise<FileEvidence> {
  const uid = owner === "root" ? 0 : ownUid;
  try {
    const found = await lstat(path);
    const problems = [
      ...(found.isSymbolicLink() ? ["is a symbolic link"] : []),
      ...((kind === "file" ? found.isFile() : found.isDirectory()) || found.isSymbolicLink() ? [] : [`is no ${kind}`]),
      ...(found.uid === uid ? [] : [`belongs to uid ${found.uid}`]),
      ...((found.mode & 0o777 & ~mode) === 0 || found.isSymbolicLink()
        ? []
        : [`has mode ${(found.mode & 0o777).toString(8)}, not ${mode.toString(8)}`]),
    ];
    return {
      path,
      problems,
      modified: found.mtime.toISOString(),
      // the manager tells whole seconds
      newerThanProcess: startedAt === null ? null : found.mtimeMs > Date.parse(startedAt) + 1000,
    };
  } catch (error) {
    const errno = errnoOf(error) ?? "unknown error";
    return { path, problems: [errno === "ENOENT" ? "is missing" : errno], modified: null, newerThanProcess: null };
  }
}

/** Modes, owners, links and times of what the gateway stands on. */
export async function filesEvidence(
  home: GatewayHome,
  about: {
    readonly unit: string;
    readonly agents: readonly string[];
    readonly uid: number;
    readonly startedAt: string | null;
    /** Of the live generation. */
    readonly manifest: Manifest | null;
    readonly services: UnitFiles;
  },
): Promise<FileEvidence[]> {
  const { unit, agents, uid, startedAt, manifest, services } = about;
  return await Promise.all(
    declared(home, unit, agents, manifest, services).map((entry) => fileEvidence(entry, uid, startedAt)),
  );
}

export interface Live {
  readonly evidence: GenerationEvidence;
  /** SECRET. Null when none is live, or it is not complete. */
  readonly stored: StoredGeneration | null;
}

/** Who likely wrote what differs; also a configuration that was rewritten and says the same. */
async function editsOf(home: GatewayHome, stored: StoredGeneration, services: UnitFiles): Promise<EditEvidence[]> {
  const differences = await liveDifferences(home, stored, services);
  const config = (await readTextOrNull(home.config)) ?? "";
  const rewritten = config !== stored.files.config && !differences.includes("configuration");
  const changed = differences.map(async (what): Promise<EditEvidence> => {
    if (what === "configuration")
      return { what, changed: true, likely: configurationAuthor(config, stored.files.config) };
    const likely = what === "unit" ? await unitAuthor(services.unitFile(home, stored.manifest.unit).path) : "a hand";
    return { what, changed: true, likely };
  });
  return [
    ...(await Promise.all(changed)),
    ...(rewritten
      ? [{ what: "configuration", changed: false, likely: configurationAuthor(config, stored.files.config) }]
      : []),
  ];
}

/** The live generation and what differs from it. Takes no lock: a lock is a change. */
export async function liveEvidence(home: GatewayHome, services: UnitFiles, gaps: Gaps): Promise<Live> {
  const live = await liveGeneration(home);
  const stored = live === null ? null : await readGeneration(home, live);
  return {
    stored,
    evidence: {
      live,
      complete: stored !== null,
      // a file of somebody else's can't be read: the rest is known all the same
      edits: stored === null ? [] : ((await gaps.part("live files", () => editsOf(home, stored, services))) ?? []),
      unconfirmedSwitch: (await readTextOrNull(home.switchJournal)) !== null,
    },
  };
}
