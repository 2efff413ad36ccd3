import { access, constants, open, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { cacheRoot, writeFileAtomically } from "./cache.ts";
import type { Progress, PulumiCli } from "./cli.ts";
import { reachable } from "./download.ts";
import { EngineError } from "./errors.ts";
import { publishLaunchers, STAND_IN_MARK, type LauncherName } from "./launchers.ts";
import { OFFICIAL_PLUGINS } from "./pins.ts";
import { runProcess } from "./process.ts";

export type PluginSource = "official" | "stand-in";

export interface EnsurePluginsOptions {
  /** `auto`: official where installed or downloadable, else our stand-in. */
  readonly choice: "auto" | "official" | "stand-in";
  /** Default `$XDG_CACHE_HOME/gatehouse` or `~/.cache/gatehouse`. */
  readonly cache?: string;
  /** Default that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface ReadyPlugins {
  readonly command: PluginSource;
  readonly tls: PluginSource;
  /** `pulumi-language-nodejs`; the official one comes with the official CLI. */
  readonly languageHost: PluginSource;
  /** Variables to add to the environment of every engine run; PATH is complete. */
  readonly env: Readonly<Record<string, string>>;
}

type ProviderName = keyof typeof OFFICIAL_PLUGINS;

const VENDOR = "https://get.pulumi.com/";
const INSTALL_TIMEOUT_MS = 120_000;
/** How long a refused download is believed to stay refused. */
const REFUSAL_TTL_MS = 24 * 60 * 60 * 1000;

/**
 * Makes the plugins that the program needs available to one CLI. An air-gapped machine is noticed within 5 s, once a day.
 * @throws {EngineError} when `official` is demanded and one of them is neither installed nor downloadable.
 */
export async function ensurePlugins(
  options: EnsurePluginsOptions,
  pulumi: PulumiCli,
  progress: Progress,
): Promise<ReadyPlugins> {
  const env = options.env ?? process.env;
  const cache = options.cache ?? cacheRoot(env);
  const search = [
    dirname(pulumi.command),
    ...(env["PATH"] ?? "").split(delimiter).map((directory) => resolve(directory)),
  ];

  const provider = async (name: ProviderName): Promise<PluginSource> => {
    if (options.choice === "stand-in") return "stand-in";
    if (await isInstalled(name, search, env)) return "official";
    const refusal = await install(name, options.choice, cache, pulumi, env, progress);
    if (refusal === undefined) return "official";
    if (options.choice === "auto") return "stand-in";
    throw new EngineError(
      `the official ${name} plugin ${OFFICIAL_PLUGINS[name]} is not installed and can't be downloaded: ${refusal}`,
      `run \`pulumi plugin install resource ${name} ${OFFICIAL_PLUGINS[name]} --file <archive>\` with a copy from a machine ` +
        "that has access, or choose the stand-ins",
    );
  };
  const command = await provider("command");
  const tls = await provider("tls");
  const languageHost = await languageHostSource(options.choice, search);

  const launchers: LauncherName[] = [
    ...(command === "stand-in" ? (["pulumi-resource-command"] as const) : []),
    ...(tls === "stand-in" ? (["pulumi-resource-tls"] as const) : []),
    ...(languageHost === "stand-in"
      ? (["pulumi-language-nodejs", "pulumi-analyzer-policy-nodejs", "pulumi-resource-pulumi-nodejs"] as const)
      : []),
  ];
  const standIns = launchers.length > 0 ? [await publishLaunchers(cache, launchers)] : [];
  if (launchers.length > 0) progress(`air-gapped stand-ins are used for: ${launchers.join(", ")}`);
  return { command, tls, languageHost, env: engineEnvironment(standIns, pulumi, env) };
}

function engineEnvironment(
  standIns: readonly string[],
  pulumi: PulumiCli,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  return {
    PATH: [...standIns, dirname(pulumi.command), dirname(process.execPath), env["PATH"] ?? ""].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...(standIns.length > 0 && {
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      // true would hide the stand-ins from the engine
      PULUMI_IGNORE_AMBIENT_PLUGINS: "false",
    }),
  };
}

async function isInstalled(name: ProviderName, search: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const home = env["PULUMI_HOME"] ?? join(homedir(), ".pulumi");
  const executable = `pulumi-resource-${name}`;
  const installed = join(home, "plugins", `resource-${name}-v${OFFICIAL_PLUGINS[name]}`);
  return (await isExecutable(join(installed, executable))) || hasOfficial(executable, search);
}

async function languageHostSource(
  choice: EnsurePluginsOptions["choice"],
  search: readonly string[],
): Promise<PluginSource> {
  if (choice !== "stand-in" && (await hasOfficial("pulumi-language-nodejs", search))) return "official";
  if (choice !== "official") return "stand-in";
  throw new EngineError(
    "the official pulumi-language-nodejs is not installed",
    "install the official Pulumi CLI (https://www.pulumi.com/docs/install/), which brings it, or choose the stand-ins",
  );
}

/** Downloads the official plugin with the CLI; returns why that failed. */
async function install(
  name: ProviderName,
  choice: EnsurePluginsOptions["choice"],
  cache: string,
  pulumi: PulumiCli,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<string | undefined> {
  const version = OFFICIAL_PLUGINS[name];
  const memory = join(cache, "plugins", `refused-${name}-${version}.json`);
  if (choice === "auto") {
    const remembered = await readRefusal(memory);
    if (remembered !== undefined) return remembered;
  }
  const refusal = await tryInstall(name, version, pulumi, env, progress);
  if (refusal !== undefined) {
    await writeFileAtomically(memory, `${JSON.stringify({ at: new Date().toISOString(), reason: refusal })}\n`);
  }
  return refusal;
}

async function tryInstall(
  name: ProviderName,
  version: string,
  pulumi: PulumiCli,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<string | undefined> {
  if (!(await reachable(VENDOR))) return `${VENDOR} is not reachable from here`;
  progress(`installing the official ${name} plugin ${version} ...`);
  const result = await runProcess(pulumi.command, ["plugin", "install", "resource", name, version], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  if (result.status === 0) return undefined;
  return result.timedOut ? `no result within ${INSTALL_TIMEOUT_MS / 1000} s` : lastLine(result.stderr);
}

async function readRefusal(path: string): Promise<string | undefined> {
  try {
    const { at, reason } = JSON.parse(await readFile(path, "utf8")) as { at: string; reason: string };
    return Date.now() - Date.parse(at) < REFUSAL_TTL_MS ? reason : undefined;
  } catch {
    return undefined;
  }
}

/** The first executable of that name counts, as for the engine; a launcher of ours is not official. */
async function hasOfficial(executable: string, search: readonly string[]): Promise<boolean> {
  for (const directory of search) {
    const path = join(directory, executable);
    if ((await isExecutable(path)) && !(await isStandIn(path))) return true;
  }
  return false;
}

async function isStandIn(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.toString("latin1", 0, bytesRead).includes(STAND_IN_MARK);
  } finally {
    await handle.close();
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "it failed without a message";
}
