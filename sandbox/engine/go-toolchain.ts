import { readFile, mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { publishDirectory } from "./cache.ts";
import { downloadPinned } from "./download.ts";
import { EngineError } from "./errors.ts";
import { CLI_MODULE, currentPlatform, GO_TOOLCHAIN, type Platform } from "./pins.ts";
import { runProcess } from "./process.ts";
import { atLeast, parseVersion } from "./version.ts";

const GO_NAMES: Record<Platform, string> = {
  "linux-x64": "linux-amd64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "darwin-amd64",
  "darwin-arm64": "darwin-arm64",
};
/** `go version` may first fetch the toolchain that go.mod asks for. */
const GO_VERSION_TIMEOUT_MS = 180_000;

const INSTALL_HINT =
  "install `pulumi` 3.203.0 or newer (https://www.pulumi.com/docs/install/), or Go 1.25.11 or newer (https://go.dev/dl/), " +
  "and put it on PATH; or set GOPROXY to a Go module proxy, from which Go itself can be taken";

/**
 * A Go that can build the CLI: the one on PATH if it is new enough in `moduleDirectory` (Go 1.21 and newer fetch the
 * toolchain that go.mod asks for by themselves), else one taken from the module proxy named by GOPROXY.
 * @throws {EngineError} when neither is to be had.
 */
export async function findGo(
  moduleDirectory: string,
  cache: string,
  env: NodeJS.ProcessEnv,
  progress: (text: string) => void,
): Promise<string> {
  const installed = await installedGo(moduleDirectory, env);
  if (installed.usable) return "go";
  const proxy = await moduleProxy(env);
  const platform = currentPlatform();
  if (proxy === undefined || platform === undefined) {
    throw new EngineError(`the Pulumi CLI can't be built: ${installed.reason}`, INSTALL_HINT);
  }
  progress(`${installed.reason}; taking Go ${GO_TOOLCHAIN.version} from the Go module proxy (70 MB) ...`);
  const root = await fetchToolchain(proxy, platform, cache);
  return join(root, "bin", "go");
}

type InstalledGo = { readonly usable: true } | { readonly usable: false; readonly reason: string };

async function installedGo(moduleDirectory: string, env: NodeJS.ProcessEnv): Promise<InstalledGo> {
  const minimum = CLI_MODULE.minimumGo.join(".");
  try {
    const result = await runProcess("go", ["version"], { cwd: moduleDirectory, env, timeoutMs: GO_VERSION_TIMEOUT_MS });
    const version = parseVersion(result.stdout);
    if (result.status === 0 && version && atLeast(version, CLI_MODULE.minimumGo)) return { usable: true };
    return { usable: false, reason: `the Go on PATH is not ${minimum} or newer` };
  } catch {
    return { usable: false, reason: "there is no Go on PATH" };
  }
}

/** First HTTP entry of GOPROXY, from the environment or Go's own settings file. Without either none is assumed. */
async function moduleProxy(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const settings = process.platform === "darwin" ? "Library/Application Support" : ".config";
  const file = env["GOENV"] ?? join(env["XDG_CONFIG_HOME"] ?? join(homedir(), settings), "go", "env");
  const saved = await readFile(file, "utf8").catch(() => "");
  const list = env["GOPROXY"] ?? /^GOPROXY=(.*)$/m.exec(saved)?.[1] ?? "";
  return list
    .split(/[,|]/)
    .find((entry) => /^https?:\/\//.test(entry))
    ?.replace(/\/+$/, "");
}

async function fetchToolchain(proxy: string, platform: Platform, cache: string): Promise<string> {
  const module = `golang.org/toolchain@v0.0.1-go${GO_TOOLCHAIN.version}.${GO_NAMES[platform]}`;
  const url = `${proxy}/${module.replace("@", "/@v/")}.zip`;
  return publishDirectory(join(cache, "go"), `${GO_TOOLCHAIN.version}-${platform}`, async (staging) => {
    const zip = join(staging, "toolchain.zip");
    await downloadPinned(url, GO_TOOLCHAIN.sha256[platform], zip);
    // only a toolchain needs it
    const { readZip } = await import("./unzip.ts");
    for (const entry of await readZip(zip)) {
      const name = normalize(entry.name.slice(module.length + 1));
      if (!entry.name.startsWith(`${module}/`) || name.startsWith("..")) {
        throw new EngineError(`the Go toolchain archive holds an unexpected path: ${entry.name}`, INSTALL_HINT);
      }
      const target = join(staging, name);
      await mkdir(dirname(target), { recursive: true });
      // module zips carry no modes
      const executable = name.startsWith("bin/") || name.startsWith("pkg/tool/");
      await writeFile(target, entry.content(), { mode: executable ? 0o755 : 0o644 });
    }
    await rm(zip);
  });
}
