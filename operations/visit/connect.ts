import { bundleNodeProgram } from "../../node/bundle.ts";
import { pinnedNode, programId } from "../../render/runtime-table.ts";
import type { NodeSpec } from "../../spec/index.ts";

export { connectTo, isUnreachable, runVisit as visit, type Unreachable } from "../../remote/visit.ts";

/** The on-node program of this version, as an update of the fleet's node puts it there. */
export function programOf({ runtime }: Pick<NodeSpec, "runtime">): string {
  return programId({ node: pinnedNode(runtime.node), programHash: bundleNodeProgram().hash });
}
