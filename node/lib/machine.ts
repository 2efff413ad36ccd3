import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { EXIT } from "../protocol.ts";
import type { MachineExpectation } from "../protocol.ts";
import type { Platform } from "../platform/index.ts";
import { ensureDirectory, writeFileAtomic } from "./atomic.ts";
import { PhaseFailure, errnoOf } from "./failure.ts";
import type { NodePaths } from "./paths.ts";

function refused(message: string, current: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "machine-changed",
    message,
    fix: `check that the address still leads to the machine you mean; to accept this one, set \`machineId: ${current}\` on the node in the spec`,
    exit: EXIT.refused,
  });
}

/**
 * For visits, which record nothing of a machine.
 * @throws {PhaseFailure} `another-machine`.
 */
export async function requireMachine(machineId: string, platform: Platform): Promise<void> {
  if ((await platform.machineId()) === machineId) return;
  throw new PhaseFailure({
    layer: "host",
    code: "another-machine",
    message: "this is not the machine that was provisioned; nothing was touched",
    fix: "check the address of the node: docs/how-to/replaced-machine.md",
    exit: EXIT.refused,
  });
}

/** The machine id recorded at first contact; undefined when there is no record. A damaged record is an error. */
export async function recordedMachineId(paths: NodePaths): Promise<string | undefined> {
  let content: string;
  try {
    content = await readFile(paths.machineRecord, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const match = /"machineId"\s*:\s*"([0-9A-Za-z-]{8,64})"/.exec(content);
  if (match?.[1] === undefined) {
    throw new PhaseFailure({
      layer: "host",
      code: "machine-record",
      message: `${paths.machineRecord} does not hold a machine id`,
      fix: "find out who wrote to that file; to record this machine anew, set `machineId` on the node in the spec",
      exit: EXIT.refused,
    });
  }
  return match[1];
}

/**
 * Binds the node resource to one machine (DESIGN.md, decision 4). First contact records the id. Later: another id than
 * the recorded one, or no record at all, is refused, unless the author pinned exactly the id of this machine.
 * Returns the current machine id.
 */
export async function checkMachine(
  expectation: MachineExpectation & { readonly known: boolean },
  { paths, platform }: { readonly paths: NodePaths; readonly platform: Platform },
): Promise<string> {
  const current = await platform.machineId();
  const pinned = expectation.machineId;
  if (pinned !== undefined && pinned.toLowerCase() !== current.toLowerCase()) {
    throw refused(`this machine is ${current}, but the spec pins the machine id ${pinned}`, current);
  }
  const recorded = pinned === undefined ? await recordedMachineId(paths) : undefined;
  if (recorded === current) return current;
  if (recorded !== undefined) {
    throw refused(
      `this machine is ${current}, but it was provisioned as ${recorded} (a copied disk or a changed machine id)`,
      current,
    );
  }
  if (pinned === undefined && expectation.known) {
    throw refused(
      `this machine (${current}) has never been provisioned, but this node has: it was replaced or reinstalled`,
      current,
    );
  }
  await ensureDirectory(dirname(paths.machineRecord), { mode: 0o700 });
  await writeFileAtomic(paths.machineRecord, `${JSON.stringify({ machineId: current })}\n`, { mode: 0o600 });
  return current;
}
