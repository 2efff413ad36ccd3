/** Root of everything that the node's administrator owns (DESIGN.md, "Generation" and "Runtime"). */
export const GATEHOUSE_ROOT = "/opt/gatehouse";

/** Absolute path of the on-node program's wrapper. */
export function programPath(id: string): string {
  return `${GATEHOUSE_ROOT}/program/${id}/gatehouse-node`;
}
