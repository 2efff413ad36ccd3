import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { contentKey, publishDirectory } from "./cache.ts";
import { EngineError } from "./errors.ts";
import { findGo } from "./go-toolchain.ts";
import { CLI_MODULE } from "./pins.ts";

const MODULE_DIRECTORY = join(import.meta.dirname, "cli-build");
const PROGRESS_INTERVAL_MS = 15_000;
/** Last part of the compiler's output that an error shows. */
const ERROR_TAIL = 2_000;

const LINK_FLAGS = `-s -w -X ${CLI_MODULE.versionVariable}=v${CLI_MODULE.version}`;

/** Name of the cache entry that this pinned source builds into on this platform. */
export async function builtEntryName(): Promise<string> {
  const files = await Promise.all(
    ["go.mod", "go.sum", "tools.go"].map((name) => readFile(join(MODULE_DIRECTORY, name))),
  );
  const key = contentKey([...files, CLI_MODULE.package, LINK_FLAGS, process.platform, process.arch]);
  return `${CLI_MODULE.version}-build-${key}`;
}

/**
 * Builds the CLI from its public Go module into `cache/pulumi/<entry>/bin`. 220 s on two cores with a warm module cache.
 * @throws {EngineError} when there is no Go or the build fails.
 */
export async function buildCli(
  cache: string,
  env: NodeJS.ProcessEnv,
  progress: (text: string) => void,
): Promise<string> {
  const go = await findGo(MODULE_DIRECTORY, cache, env, progress);
  progress(
    `building the Pulumi CLI ${CLI_MODULE.version} from its Go module, once: about 4 minutes on 2 cores ` +
      `(${availableParallelism()} here) ...`,
  );
  return publishDirectory(join(cache, "pulumi"), await builtEntryName(), async (staging) => {
    const bin = join(staging, "bin");
    await mkdir(bin, { mode: 0o755 });
    const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", LINK_FLAGS];
    await runBuild(go, [...args, "-o", join(bin, "pulumi"), CLI_MODULE.package], MODULE_DIRECTORY, env, progress);
  });
}

function runBuild(
  go: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
  progress: (text: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    // no cgo: the result must not depend on the machine's C compiler
    const child = spawn(go, args, { cwd, env: { ...env, CGO_ENABLED: "0" }, stdio: ["ignore", "ignore", "pipe"] });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-ERROR_TAIL);
    });
    const timer = setInterval(() => {
      progress(`still building the Pulumi CLI, ${Math.round((Date.now() - started) / 1000)} s ...`);
    }, PROGRESS_INTERVAL_MS);
    child.once("error", (error) => {
      clearInterval(timer);
      reject(new EngineError(`go can't be started: ${error.message}`, "check the Go installation"));
    });
    child.once("close", (status) => {
      clearInterval(timer);
      if (status === 0) {
        resolve();
        return;
      }
      reject(
        new EngineError(
          `building the Pulumi CLI failed:\n${output.trim()}`,
          "check that GOPROXY is reachable and the disk has 3 GB free, or install `pulumi` and put it on PATH",
        ),
      );
    });
  });
}
