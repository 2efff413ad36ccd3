import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** An installed npm package that needs a resource plugin. */
export interface RequiredPlugin {
  readonly name: string;
  readonly version: string;
  readonly server: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
  };
}

/** Plugins of the packages in the nearest node_modules at or above a directory, by their `pulumi` field. */
export async function requiredPlugins(directory: string): Promise<RequiredPlugin[]> {
  const plugins: RequiredPlugin[] = [];
  for (const manifest of await installedManifests(directory)) {
    const { pulumi } = manifest;
    const name = pulumi?.name ?? manifest.name?.replace(/^@pulumi\//, "").replace(/^@/, "");
    const version = pulumi?.version ?? manifest.version;
    if (pulumi?.resource !== true || name === undefined || version === undefined) continue;
    plugins.push({ name, version, server: pulumi.server ?? "" });
  }
  return plugins;
}

/** Names and installed versions of a program's direct dependencies. */
export async function programDependencies(directory: string): Promise<{ name: string; version: string }[]> {
  const own = await readManifest(join(directory, "package.json"));
  const wanted = new Set(Object.keys(own?.dependencies ?? {}));
  const installed = await installedManifests(directory);
  return installed.flatMap(({ name, version }) =>
    name !== undefined && version !== undefined && wanted.has(name) ? [{ name, version }] : [],
  );
}

async function installedManifests(directory: string): Promise<Manifest[]> {
  for (let at = directory; ; at = dirname(at)) {
    const modules = join(at, "node_modules");
    const entries = await readdir(modules).catch(() => undefined);
    if (entries) {
      const scoped = await Promise.all(
        entries.map(async (entry) =>
          entry.startsWith("@") ? (await readdir(join(modules, entry))).map((name) => join(entry, name)) : [entry],
        ),
      );
      const manifests = await Promise.all(
        scoped.flat().map((name) => readManifest(join(modules, name, "package.json"))),
      );
      return manifests.filter((manifest) => manifest !== undefined);
    }
    if (at === dirname(at)) return [];
  }
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}
