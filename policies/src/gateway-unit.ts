import type { Findings } from "./read.ts";
import { parseUnit, type Unit } from "./unit.ts";

/**
 * The systemd unit in a gateway's view; undefined, with a problem, when it is not there. On macOS this version previews no
 * service and `up` refuses the node, so there is nothing to judge.
 */
export function unitOf(found: Findings): Unit | undefined {
  const platform = found.needText("platform");
  if (platform === undefined || platform === "macos") return undefined;
  const text = found.needText("unitText");
  return text === undefined ? undefined : parseUnit(text);
}
