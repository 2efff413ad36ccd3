import { launchdUnit } from "./launchd-job.ts";
import type { Findings } from "./read.ts";
import { parseUnit, type Unit } from "./unit.ts";

/** The service definition in a gateway's view, of systemd or launchd; undefined, with a problem, when it is not there. */
export function unitOf(found: Findings): Unit | undefined {
  const platform = found.needText("platform");
  if (platform === undefined) return undefined;
  if (platform === "macos") {
    const job = found.need("launchdJob");
    return job === undefined ? undefined : launchdUnit(job);
  }
  const text = found.needText("unitText");
  return text === undefined ? undefined : parseUnit(text);
}
