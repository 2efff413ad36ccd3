import { startMacosStandIn } from "../sandbox/macos/index.ts";
import { attachNode, startNode, type ExecResult, type SshAccess } from "../sandbox/node/index.ts";
import { execOverSsh, type ExecOptions } from "../sandbox/node/ssh.ts";
import type { Platform } from "../spec/index.ts";
import type { DemoRecord } from "./record.ts";
import { DEMO, type DemoPaths } from "./settings.ts";

const START = { linux: startNode, macos: startMacosStandIn } as const;

/** The machine that carries the demo's gateway. */
export interface Machine {
  readonly ssh: SshAccess;
  readonly platform: Platform;
  /** Runs a command line in root's shell. A non-zero status is a result, not an error. */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
}

/** Starts the throw-away node, or takes the machine of one's own that the record names. */
export async function startMachine(
  record: DemoRecord,
  paths: DemoPaths,
  progress: (line: string) => void,
): Promise<Machine> {
  if (record.own !== undefined) return ownMachine(record.own.ssh, record.platform);
  const node = await START[record.platform]({ name: DEMO.node, stateDir: paths.node, progress });
  return { ssh: node.ssh, platform: record.platform, exec: (command, options) => node.exec(command, options) };
}

/** The machine as it is now; undefined when the throw-away node does not run. */
export async function attachMachine(record: DemoRecord, paths: DemoPaths): Promise<Machine | undefined> {
  if (record.own !== undefined) return ownMachine(record.own.ssh, record.platform);
  const node = await attachNode(paths.node);
  return node && { ssh: node.ssh, platform: record.platform, exec: (command, options) => node.exec(command, options) };
}

function ownMachine(ssh: SshAccess, platform: Platform): Machine {
  const asRoot = (command: string): string =>
    ssh.user === "root" ? command : `sudo -n -- sh -c '${command.replaceAll("'", `'\\''`)}'`;
  return { ssh, platform, exec: (command, options) => execOverSsh(ssh.host, ssh, asRoot(command), options) };
}
