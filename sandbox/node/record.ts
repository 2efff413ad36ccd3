import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errorCode, NodeError } from "./errors.ts";
import { writeFileAtomically } from "./files.ts";

const identity = z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() });

const system = z.object({
  /** Arguments of systemd-nspawn that are this system's own. */
  nspawn: z.array(z.string()),
  /** Shell command of root that prints `running`, or `degraded` when parts of the system failed, once it has started. */
  ready: z.string(),
  /** Shell command of root that names what failed. */
  failures: z.string(),
  /** Shell command of root that restarts the machine. */
  reboot: z.string(),
  /** File that holds the machine's id, and how one is written. */
  machineId: z.object({ path: z.string(), form: z.enum(["hex", "uuid"]) }),
});

/** What a node runs, as far as starting and restarting it depends on that. */
export type NodeSystem = z.infer<typeof system>;

export const DEBIAN_SYSTEM: NodeSystem = {
  nspawn: ["--boot"],
  ready: "systemctl is-system-running --wait",
  failures: "systemctl --failed --plain --no-legend",
  reboot: "systemctl reboot",
  machineId: { path: "/etc/machine-id", form: "hex" },
};

const schema = z.object({
  version: z.literal(1),
  name: z.string(),
  /** Random; part of the control group's name, so that nothing else is ever killed in its place. */
  id: z.string(),
  address: z.string(),
  sshPort: z.int(),
  hostKey: z.string(),
  /** Base tree under the overlay, or undefined where the tree is a full copy. */
  base: z.string().optional(),
  cgroup: z.string(),
  ephemeral: z.boolean(),
  /** Records of older versions have none: then it is Debian. */
  system: system.default(DEBIAN_SYSTEM),
  /** The process that keeps the node running; undefined before the first start. */
  supervisor: identity.optional(),
});

/** What is kept about a node in its state directory, in `node.json`. No secrets. */
export type NodeRecord = z.infer<typeof schema>;

/** The files of a state directory. */
export function layout(stateDir: string) {
  return {
    record: join(stateDir, "node.json"),
    identityFile: join(stateDir, "id_ed25519"),
    console: join(stateDir, "console.log"),
    layer: join(stateDir, "layer"),
    tree: join(stateDir, "tree"),
    /** systemd-nspawn's; it stays behind when it is killed. */
    lock: join(stateDir, ".#tree.lck"),
  } as const;
}

/**
 * The record of a state directory, or undefined when there is none.
 * @throws {NodeError} when it is there but not readable as one.
 */
export async function readRecord(stateDir: string): Promise<NodeRecord | undefined> {
  const path = layout(stateDir).record;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new NodeError(`${path} is not the record of a test node`, `remove ${stateDir} by hand`, { cause: error });
  }
}

export async function writeRecord(stateDir: string, record: NodeRecord): Promise<void> {
  await writeFileAtomically(layout(stateDir).record, `${JSON.stringify(record, null, 2)}\n`, 0o600);
}
