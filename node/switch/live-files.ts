import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureDirectory, removeLeftovers, writeFileAtomic } from "../lib/atomic.ts";
import { gatewayDirectories } from "../lib/gateway-home.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import type { StoredGeneration } from "../generation/store.ts";
import type { PlacedUnit, UnitFiles } from "../platform/services.ts";

/**
 * The configuration without what the vendor adds at every rewrite, in one spelling; null when it is not JSON.
 * Two texts with the same meaning need no restart (DESIGN.md, decision 13).
 */
export function configMeaning(text: string): string | null {
  let config: unknown;
  try {
    config = JSON.parse(text) as unknown;
  } catch {
    return null;
  }
  return JSON.stringify(config, (key, value: unknown) => {
    if (key === "meta") return undefined;
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

/** Whether the live configuration still says what the generation says. */
export async function liveConfigMatches(home: GatewayHome, generation: StoredGeneration): Promise<boolean> {
  const live = await readTextOrNull(home.config);
  return live !== null && configMeaning(live) === configMeaning(generation.files.config);
}

function placedUnit({ manifest, files }: StoredGeneration): PlacedUnit {
  return { unit: manifest.unit, generation: manifest.generation, content: files.unit };
}

/** Launcher and plan of a generation: path and content; empty for one whose secrets are all delivered. */
function launchFiles(home: GatewayHome, { manifest, files }: StoredGeneration): readonly (readonly [string, string])[] {
  if (manifest.launch === undefined || files.launcher === undefined) return [];
  return [
    [home.launcher, files.launcher],
    [home.launchPlan, `${JSON.stringify(manifest.launch, null, 2)}\n`],
  ];
}

/** Key, certificate and authority of a generation with HTTPS: path and content. */
function tlsFiles(home: GatewayHome, { files }: StoredGeneration): readonly (readonly [string, string])[] {
  const { certificate, certificateKey, authority } = files;
  if (certificate === undefined || certificateKey === undefined || authority === undefined) return [];
  return [
    [join(home.tls, "key.pem"), certificateKey],
    [join(home.tls, "certificate.pem"), certificate],
    [join(home.tls, "authority.pem"), authority],
  ];
}

function keyFiles(home: GatewayHome, { files }: StoredGeneration): readonly (readonly [string, string])[] {
  return files.keys === undefined ? [] : [[home.keys, files.keys]];
}

function policyFiles(home: GatewayHome, { files }: StoredGeneration): readonly (readonly [string, string])[] {
  return files.policy === undefined ? [] : [[home.policy, files.policy]];
}

async function removeTlsFiles(home: GatewayHome): Promise<void> {
  for (const name of ["key.pem", "certificate.pem", "authority.pem"]) await rm(join(home.tls, name), { force: true });
}

async function removeLaunchFiles(home: GatewayHome): Promise<void> {
  for (const path of [home.launcher, home.launchPlan, home.launchRecord]) await rm(path, { force: true });
}

/** Which live files differ from the generation, in words; empty when none does. */
export async function liveDifferences(
  home: GatewayHome,
  generation: StoredGeneration,
  services: UnitFiles,
): Promise<readonly string[]> {
  const same = async (files: readonly (readonly [string, string])[]): Promise<boolean> =>
    (await Promise.all(files.map(async ([path, content]) => (await readTextOrNull(path)) === content))).every(Boolean);
  const [config, environment, unit, launcher, keys, certificate, policy] = await Promise.all([
    liveConfigMatches(home, generation),
    readTextOrNull(home.environmentFile),
    services.isPlaced(home, placedUnit(generation)),
    same(launchFiles(home, generation)),
    same(keyFiles(home, generation)),
    same(tlsFiles(home, generation)),
    same(policyFiles(home, generation)),
  ]);
  return [
    ...(config ? [] : ["configuration"]),
    ...(environment === generation.files.environment ? [] : ["environment file"]),
    ...(unit ? [] : ["unit"]),
    ...(launcher ? [] : ["launcher"]),
    ...(keys ? [] : ["key file"]),
    ...(certificate ? [] : ["certificate"]),
    ...(policy ? [] : ["vendor policy"]),
  ];
}

/** Puts a generation's files where the vendor and the service manager read them; each by one rename, modes before content. */
export async function placeLiveFiles(
  home: GatewayHome,
  generation: StoredGeneration,
  settleCommand: readonly string[],
  services: UnitFiles,
): Promise<void> {
  const { manifest, files } = generation;
  const agents = manifest.agents.map(({ id }) => id);
  for (const path of gatewayDirectories(join(home.gatehouse, ".."), agents))
    await ensureDirectory(path, { mode: 0o700 });
  await ensureDirectory(dirname(home.environmentFile), { mode: 0o700 });
  await Promise.all(
    [home.openclaw, dirname(home.environmentFile), home.gatehouse, home.generations].map(removeLeftovers),
  );
  if (!(await liveConfigMatches(home, generation))) await writeFileAtomic(home.config, files.config, { mode: 0o600 });
  if (manifest.https !== undefined) await ensureDirectory(home.tls, { mode: 0o700 });
  for (const [path, content] of [
    // before the unit that starts it
    ...launchFiles(home, generation),
    ...keyFiles(home, generation),
    ...tlsFiles(home, generation),
    ...policyFiles(home, generation),
    [home.environmentFile, files.environment],
  ] as const) {
    if ((await readTextOrNull(path)) !== content) await writeFileAtomic(path, content, { mode: 0o600 });
  }
  if (manifest.launch === undefined) await removeLaunchFiles(home);
  if (files.keys === undefined) await rm(home.keys, { force: true });
  if (files.policy === undefined) await rm(home.policy, { force: true });
  if (manifest.https === undefined) await removeTlsFiles(home);
  await services.place(home, placedUnit(generation), settleCommand);
}

/** Removes everything that `placeLiveFiles` wrote, and what the vendor copied from it. Workspaces and state stay. */
export async function removeLiveFiles(home: GatewayHome, unit: string, services: UnitFiles): Promise<void> {
  const vendorCopies = [".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4", ".last-good"].map((end) => home.config + end);
  const paths = [home.environmentFile, home.keys, home.policy, home.config, ...vendorCopies];
  for (const path of paths) await rm(path, { force: true });
  await services.removeUnit(home, unit);
  await removeLaunchFiles(home);
  await removeTlsFiles(home);
}
