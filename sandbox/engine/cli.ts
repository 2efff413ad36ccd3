import { access, constants, mkdir, rename, rm } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { cacheRoot, contentKey, publishDirectory } from "./cache.ts";
import { downloadPinned } from "./download.ts";
import { DownloadUnavailable, EngineError } from "./errors.ts";
import { buildCli, builtEntryName } from "./go-build.ts";
import { currentPlatform, MINIMUM_CLI, OFFICIAL_CLI, type Platform } from "./pins.ts";
import { runProcess } from "./process.ts";
import { atLeast, parseVersion, type Version } from "./version.ts";

export type CliSource = "path" | "download" | "build" | "cache";

export interface PulumiCli {
  /** Absolute path of the executable. */
  readonly command: string;
  /** Such as `3.250.0`. */
  readonly version: string;
  readonly source: CliSource;
}

export interface EnsurePulumiOptions {
  /** Where downloads and builds are kept; default `$XDG_CACHE_HOME/gatehouse` or `~/.cache/gatehouse`. */
  readonly cache?: string;
  /** Environment that names PATH, proxies and Go settings; default that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Ways that may be taken, in this fixed order; default all. What is in the cache belongs to its way. */
  readonly sources?: readonly ("path" | "download" | "build")[];
  /** Address that holds the release archives; default the vendor's. */
  readonly releases?: string;
  /** Pinned SHA-256 of this platform's archive; default the vendor's. */
  readonly sha256?: string;
}

/** One line for a person, without a newline. */
export type Progress = (text: string) => void;

const VERSION_TIMEOUT_MS = 20_000;

/**
 * Makes a Pulumi CLI of at least 3.203.0 available: the one on PATH, else one from the cache, else the official 3.221.0
 * archive with its pinned SHA-256, else a build of the public Go module 3.250.0 pinned by go.sum (once, about 4 minutes).
 * @throws {ChecksumMismatch} when the official archive is not the pinned one.
 * @throws {EngineError} when no way leads to a CLI; its `fix` says what to install.
 */
export async function ensurePulumi(options: EnsurePulumiOptions, progress: Progress): Promise<PulumiCli> {
  const env = options.env ?? process.env;
  const cache = options.cache ?? cacheRoot(env);
  const sources = new Set(options.sources ?? ["path", "download", "build"]);

  if (sources.has("path")) {
    const found = await fromPath(env, progress);
    if (found) return found;
  }
  const platform = currentPlatform();
  const archive = platform && officialArchive(platform, options);
  const cached =
    (sources.has("build") && (await fromCache(cache, await builtEntryName(), env))) ||
    (sources.has("download") && archive && (await fromCache(cache, archive.entry, env)));
  if (cached) return cached;

  let refusal = `there is no official archive for ${process.platform} ${process.arch}`;
  if (sources.has("download") && archive) {
    try {
      progress(`downloading the Pulumi CLI ${OFFICIAL_CLI.version} (${archive.url}) ...`);
      return await used(join(await downloadCli(cache, archive), "bin", "pulumi"), env, "download");
    } catch (error) {
      if (!(error instanceof DownloadUnavailable)) throw error;
      refusal = error.message;
      progress(refusal);
    }
  }
  if (sources.has("build")) {
    return used(join(await buildCli(cache, env, progress), "bin", "pulumi"), env, "build");
  }
  throw new EngineError(
    `there is no Pulumi CLI ${MINIMUM_CLI.join(".")} or newer: ${refusal}`,
    "install `pulumi` (https://www.pulumi.com/docs/install/) and put it on PATH",
  );
}

async function fromPath(env: NodeJS.ProcessEnv, progress: Progress): Promise<PulumiCli | undefined> {
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    const command = resolve(directory, "pulumi");
    if (!(await isExecutable(command))) continue;
    const version = await cliVersion(command, env);
    if (version && atLeast(version, MINIMUM_CLI)) return { command, version: version.join("."), source: "path" };
    progress(
      `${command} is passed over: ${version ? version.join(".") : "its version can't be read; it"} ` +
        `is not ${MINIMUM_CLI.join(".")} or newer`,
    );
  }
  return undefined;
}

async function fromCache(cache: string, entry: string, env: NodeJS.ProcessEnv): Promise<PulumiCli | undefined> {
  const command = join(cache, "pulumi", entry, "bin", "pulumi");
  return (await isExecutable(command)) ? used(command, env, "cache") : undefined;
}

async function used(command: string, env: NodeJS.ProcessEnv, source: CliSource): Promise<PulumiCli> {
  const version = await cliVersion(command, env);
  if (!version) {
    throw new EngineError(`${command} does not run on this machine`, "remove its directory, so that it is made again");
  }
  return { command, version: version.join("."), source };
}

async function cliVersion(command: string, env: NodeJS.ProcessEnv): Promise<Version | undefined> {
  const quiet = { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const result = await runProcess(command, ["version"], { env: quiet, timeoutMs: VERSION_TIMEOUT_MS }).catch(
    () => undefined,
  );
  return result?.status === 0 ? parseVersion(result.stdout) : undefined;
}

interface Archive {
  readonly url: string;
  readonly sha256: string;
  readonly entry: string;
}

function officialArchive(platform: Platform, options: EnsurePulumiOptions): Archive {
  const sha256 = options.sha256 ?? OFFICIAL_CLI.sha256[platform];
  return {
    url: `${options.releases ?? OFFICIAL_CLI.baseUrl}/pulumi-v${OFFICIAL_CLI.version}-${platform}.tar.gz`,
    sha256,
    entry: `${OFFICIAL_CLI.version}-download-${contentKey([sha256])}`,
  };
}

async function downloadCli(cache: string, archive: Archive): Promise<string> {
  return publishDirectory(join(cache, "pulumi"), archive.entry, async (staging) => {
    const file = join(staging, "archive.tar.gz");
    await downloadPinned(archive.url, archive.sha256, file);
    const unpacked = join(staging, "unpacked");
    await mkdir(unpacked);
    const tar = await runProcess("tar", ["-xzf", file, "-C", unpacked], { timeoutMs: 120_000 });
    if (tar.status !== 0) {
      throw new EngineError(
        `the Pulumi archive can't be unpacked: ${tar.stderr.trim()}`,
        "check the free disk space (1 GB)",
      );
    }
    // the archive holds one directory, with the CLI and the language hosts side by side
    await rename(join(unpacked, "pulumi"), join(staging, "bin"));
    await rm(unpacked, { recursive: true });
    await rm(file);
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
