import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { readLinkOrNull, swapSymlink, syncDirectory, writeFileAtomic, writeTree } from "../lib/atomic.ts";
import { PhaseFailure, errnoOf } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import type { GatewayEndpoint } from "../lib/gateway-http.ts";
import { readJsonOrNull, readTextOrNull } from "../lib/json-file.ts";
import { agentsWithKeyFile, manifestShape } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";

const MANIFEST = "manifest.json";
const FILE_NAMES = {
  config: "openclaw.json",
  environment: "gateway.env",
  unit: "openclaw-gateway.service",
  secretsPlan: "secrets-plan.json",
} as const;

/** Files that only some generations have; the manifest says which. */
const OPTIONAL_NAMES = {
  launcher: "launch.mjs",
  keys: "keys.json",
  certificate: "certificate.pem",
  certificateKey: "key.pem",
  authority: "authority.pem",
  policy: "policy.jsonc",
} as const;
type OptionalFile = keyof typeof OPTIONAL_NAMES;

/** The files of a generation; `environment`, `keys` and `certificateKey` hold the secrets. */
export type GenerationFiles = Readonly<Record<keyof typeof FILE_NAMES, string>> &
  Partial<Readonly<Record<OptionalFile, string>>>;

/** The launcher with a launch plan, the key file with a key in it, the certificates with HTTPS, the vendor's policy. */
function optionalFiles({ launch, https, policy, agents }: Manifest): readonly OptionalFile[] {
  return [
    ...(agentsWithKeyFile({ agents }).length === 0 ? [] : (["keys"] as const)),
    ...(launch === undefined ? [] : (["launcher"] as const)),
    ...(policy === undefined ? [] : (["policy"] as const)),
    ...(https === undefined ? [] : (["certificate", "certificateKey", "authority"] as const)),
  ];
}

export interface StoredGeneration {
  readonly manifest: Manifest;
  readonly files: GenerationFiles;
}

function directoryOf(home: GatewayHome, generation: string): string {
  return join(home.generations, generation);
}

/** Writes a generation; whatever part of it is there already is made equal to `stored`. */
export async function stageGeneration(home: GatewayHome, stored: StoredGeneration): Promise<void> {
  const directory = directoryOf(home, stored.manifest.generation);
  const manifest = `${JSON.stringify(stored.manifest, null, 2)}\n`;
  const contents = {
    ...Object.fromEntries(
      Object.entries(FILE_NAMES).map(([key, name]) => [name, stored.files[key as keyof GenerationFiles]]),
    ),
    ...Object.fromEntries(optionalFiles(stored.manifest).map((key) => [OPTIONAL_NAMES[key], stored.files[key] ?? ""])),
    [MANIFEST]: manifest,
  };
  const created = await writeTree(
    directory,
    Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, { content, mode: 0o600 }])),
    0o700,
  );
  if (created) return;
  for (const [name, content] of Object.entries(contents)) {
    const path = join(directory, name);
    if ((await readTextOrNull(path)) !== content) await writeFileAtomic(path, content, { mode: 0o600 });
  }
}

/** null when the generation is not there, or not all of it. */
export async function readGeneration(home: GatewayHome, generation: string): Promise<StoredGeneration | null> {
  const directory = directoryOf(home, generation);
  const manifest = await readJsonOrNull(join(directory, MANIFEST), manifestShape);
  if (manifest === null) return null;
  const names = [
    ...Object.entries(FILE_NAMES),
    ...optionalFiles(manifest).map((key) => [key, OPTIONAL_NAMES[key]] as const),
  ];
  const entries = await Promise.all(
    names.map(async ([key, name]) => [key, await readTextOrNull(join(directory, name))] as const),
  );
  if (entries.some(([, content]) => content === null)) return null;
  return { manifest, files: Object.fromEntries(entries) as unknown as GenerationFiles };
}

/** @throws {PhaseFailure} `generation-missing`. */
export async function requireGeneration(home: GatewayHome, generation: string): Promise<StoredGeneration> {
  const stored = await readGeneration(home, generation);
  if (stored !== null) return stored;
  throw new PhaseFailure({
    layer: "config or disk",
    code: "generation-missing",
    message: `the generation ${generation} is not complete on this node's disk`,
    fix: "apply the gateway again: `pulumi up --replace` with the URN of this gateway's gateway phase",
  });
}

/** Where and how a generation's gateway answers. */
export function endpointOf({ manifest, files }: StoredGeneration): GatewayEndpoint {
  return { port: manifest.port, certificate: files.certificate };
}

/** Name of the live generation; null before the first switch. */
export async function liveGeneration(home: GatewayHome): Promise<string | null> {
  return (await readLinkOrNull(home.current))?.split("/").at(-1) ?? null;
}

/** The commit point of a switch. */
export async function setLiveGeneration(home: GatewayHome, generation: string): Promise<void> {
  await swapSymlink(home.current, `generations/${generation}`);
  // Makes it the most recent one for `pruneGenerations`.
  const now = new Date();
  await utimes(join(directoryOf(home, generation), MANIFEST), now, now);
}

/** Names of everything below the generations' directory, most recently live first. */
export async function listGenerations(home: GatewayHome): Promise<readonly string[]> {
  const names = await readdir(home.generations).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const dated = await Promise.all(
    names
      .filter((name) => name.startsWith("g-"))
      .map(async (name) => ({
        name,
        time: await stat(join(directoryOf(home, name), MANIFEST)).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      })),
  );
  return dated.sort((left, right) => right.time - left.time).map(({ name }) => name);
}

export async function removeGeneration(home: GatewayHome, generation: string): Promise<void> {
  await rm(directoryOf(home, generation), { recursive: true, force: true });
  await syncDirectory(home.generations).catch(() => undefined);
}

/** Keeps `needed` and the most recent others, `keep` in all. Returns the names that are left. */
export async function pruneGenerations(
  home: GatewayHome,
  keep: number,
  needed: readonly (string | null)[],
): Promise<readonly string[]> {
  const all = await listGenerations(home);
  const first = all.filter((name) => needed.includes(name));
  const others = all.filter((name) => !needed.includes(name));
  const kept = [...first, ...others].slice(0, Math.max(keep, first.length));
  for (const name of all) if (!kept.includes(name)) await removeGeneration(home, name);
  return kept;
}
