import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errorCode, NodeError } from "./errors.ts";
import { writeFileAtomically } from "./files.ts";

const identity = z.object({ pid: z.int(), startTime: z.string(), bootId: z.string() });

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
