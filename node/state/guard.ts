import { isOlder } from "../../spec/version.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { EXIT } from "../protocol.ts";
import { newerThan, stateSchemas } from "./databases.ts";
import { checkSnapshot, readSnapshot, type Snapshot } from "./snapshot.ts";

/** What becomes of OpenClaw's state at a change of its version: it stays, or the version's own snapshot comes back. */
export type StateChoice = "keep" | "restore snapshot";

/** Whether the state is of another schema than a snapshot, so that the version of the snapshot may not read it. */
export async function hasAnotherSchema(home: GatewayHome, { databases }: Snapshot): Promise<boolean> {
  const now = await stateSchemas(home);
  const was = new Map(databases.map(({ path, version }) => [path, version]));
  return now.some(({ path, version }) => was.has(path) && was.get(path) !== version);
}

function refused(code: string, message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "config or disk", code, message, fix, exit: EXIT.refused });
}

/**
 * The snapshot that has to be put back for version `to` to run; null where it can read the state as it is.
 * @throws {PhaseFailure} `state-newer` when it can't and nobody asked for the snapshot, `state-unknown` when nothing says
 * whether it can, `snapshot-damaged`.
 */
export async function snapshotFor(
  home: GatewayHome,
  from: string,
  to: string,
  choice: StateChoice,
): Promise<Snapshot | null> {
  if (from === to) return null;
  const paired = await readSnapshot(home, to);
  if (paired === null) {
    if (!isOlder(to, from)) return null;
    throw refused(
      "state-unknown",
      `OpenClaw ${to} never ran on this state before ${from} did: nothing says whether it can read it`,
      `go to a generation of OpenClaw ${from}, or give the older version a gateway of its own`,
    );
  }
  const [first] = newerThan(paired.databases, await stateSchemas(home));
  if (first === undefined) return null;
  if (choice === "keep") {
    throw refused(
      "state-newer",
      `${first.path} has schema ${first.version}, which OpenClaw ${to} did not know when it was replaced`,
      `add --restore-state: \`gatehouse rollback\` then puts back the state of ${paired.time}; what came after is set aside as the snapshot of OpenClaw ${from}`,
    );
  }
  await checkSnapshot(home, paired);
  return paired;
}
