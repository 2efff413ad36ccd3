import { rm, rmdir } from "node:fs/promises";
import { openStack } from "../operations/stack.ts";
import { destroyNode } from "../sandbox/node/index.ts";
import { stopProvider } from "../sandbox/provider/index.ts";
import type { PluginChoice } from "../operations/engine.ts";
import { readRecord } from "./record.ts";
import { DEMO, type DemoPaths } from "./settings.ts";

/**
 * Removes everything of the demo. On a machine of one's own the gateway goes through `destroy`, which leaves the OS
 * user with its state and workspaces; the throw-away node goes as a whole. May be run again.
 */
export async function demoDown(plugins: PluginChoice, paths: DemoPaths, note: (line: string) => void): Promise<void> {
  const record = await readRecord(paths.record);
  if (record?.own !== undefined) {
    note(`removing the gateway from ${record.own.ssh.host} ...`);
    const stack = await openStack({ stack: DEMO.stack, stateDir: paths.stack, plugins, progress: note });
    await stack.destroy();
  }
  await stopProvider(paths.providerPid);
  if (record?.own === undefined) note("removing the throw-away node ...");
  await destroyNode(paths.node);
  // by name, not the whole tree: a node's file systems may still be mounted below it
  const files = [
    paths.keys,
    paths.knownHosts,
    paths.authorities,
    paths.archive,
    paths.providerLog,
    paths.stack,
    paths.record,
  ];
  for (const path of files) await rm(path, { recursive: true, force: true });
  await rmdir(paths.root).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
  note("the demo is gone; the caches of engine and node are kept for the next one");
}
