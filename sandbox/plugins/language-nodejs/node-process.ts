import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunPluginRequest, RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import type { RuntimeOptions } from "./options.ts";

export interface NodeProcess {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The SDK's exit status after it has shown the error itself: nothing more is to be printed. */
export const ALREADY_REPORTED = 32;

/** How node runs a program: the SDK's `cmd/run` with the flags that it reads. Secrets travel in PULUMI_CONFIG, never in argv. */
export function programProcess(request: RunRequest, options: RuntimeOptions, engine: string): NodeProcess {
  const directory = request.getInfo()?.getProgramDirectory() || request.getPwd();
  const flags: readonly (readonly [string, string])[] = [
    ["monitor", request.getMonitorAddress()],
    ["engine", engine],
    ["organization", request.getOrganization()],
    ["project", request.getProject()],
    ["root-directory", request.getInfo()?.getRootDirectory() ?? ""],
    ["stack", request.getStack()],
    ["pwd", request.getPwd()],
    ["parallel", String(request.getParallel())],
  ];
  return {
    args: [
      ...options.nodeargs,
      sdkScript(directory, "run"),
      ...flags.filter(([, value]) => value !== "").flatMap(([name, value]) => [`--${name}`, value]),
      ...(request.getDryrun() ? ["--dry-run"] : []),
      request.getProgram() || ".",
      ...request.getArgsList(),
    ],
    cwd: directory,
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      PULUMI_NODEJS_TYPESCRIPT: String(options.typescript),
      ...(options.tsconfig !== undefined && { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
    },
  };
}

/** How node runs a policy pack, or a provider that is a directory with PulumiPlugin.yaml. */
export function pluginProcess(request: RunPluginRequest, options: RuntimeOptions): NodeProcess {
  const directory = request.getInfo()?.getProgramDirectory() || request.getProgram();
  const given = request.getArgsList();
  const analyzer = request.getKind() === "analyzer";
  const args = analyzer
    ? [sdkScript(directory, "run-policy-pack"), ...given, directory]
    : [sdkScript(directory, "run-plugin"), directory, ...given];
  const env = Object.fromEntries(
    request.getEnvList().map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
  return {
    args: [...options.nodeargs, ...args],
    // the policy SDK reads package.json of its working directory
    cwd: analyzer ? directory : request.getPwd() || directory,
    env: { ...process.env, ...env },
  };
}

/** The SDK that the program or pack itself installed, else the project's own. */
function sdkScript(directory: string, name: string): string {
  const script = `@pulumi/pulumi/cmd/${name}/index.js`;
  try {
    return createRequire(join(directory, "package.json")).resolve(script);
  } catch {
    return createRequire(import.meta.url).resolve(script);
  }
}
