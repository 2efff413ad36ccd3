import { EngineError } from "../sandbox/engine/errors.ts";
import { ensurePulumi, type PulumiCli } from "../sandbox/engine/cli.ts";
import { ensurePlugins, type EnsurePluginsOptions, type ReadyPlugins } from "../sandbox/engine/plugins.ts";
import { OperationError } from "./error.ts";
import type { Progress } from "./events.ts";

export type PluginChoice = EnsurePluginsOptions["choice"];

export interface Engine {
  readonly cli: PulumiCli;
  readonly plugins: ReadyPlugins;
}

/**
 * Makes the Pulumi CLI and the plugins ready, says which, and puts them on this process's PATH, where the Automation API
 * looks for them.
 * @throws {OperationError} `engine` when one of them can't be had.
 */
export async function readyEngine(choice: PluginChoice, progress: Progress): Promise<Engine> {
  try {
    const cli = await ensurePulumi({}, progress);
    const plugins = await ensurePlugins({ choice }, cli, progress);
    process.env["PATH"] = plugins.env["PATH"];
    progress(
      `Pulumi ${cli.version} (${cli.source}); plugins: command ${plugins.command}, tls ${plugins.tls}, ` +
        `language host ${plugins.languageHost}`,
    );
    return { cli, plugins };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw OperationError.of("engine", error.message, error.fix, { cause: error });
  }
}
