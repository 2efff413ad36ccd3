import type { Client } from "ssh2";
import { bundleNodeProgram } from "../../node/bundle.ts";
import type { VisitName } from "../../node/protocol.ts";
import type { VisitTypes } from "../../node/visits.ts";
import { runVisit, type Unreachable } from "../../remote/visit.ts";
import { PINNED_NODE, programId } from "../../render/runtime-table.ts";

export { connectTo, isUnreachable, type Unreachable } from "../../remote/visit.ts";

/** Runs one visit of the on-node program of this version; its progress lines go to `progress`. */
export async function visit<N extends VisitName>(
  client: Client,
  name: N,
  payload: VisitTypes[N]["payload"],
  progress: (line: string) => void,
): Promise<VisitTypes[N]["result"] | Unreachable> {
  const id = programId({ node: PINNED_NODE, programHash: bundleNodeProgram().hash });
  return await runVisit(client, { programId: id, name, payload, progress });
}
