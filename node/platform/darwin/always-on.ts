import type { NodePaths } from "../../lib/paths.ts";
import { allowSleep, powerObjection, preventSleep } from "./power.ts";
import { deferUpdates, resumeUpdates, updatesObjection } from "./updates.ts";
import type { AlwaysOnObjection } from "../index.ts";

/** A Mac that serves at any time neither sleeps nor restarts for an update when it likes. */
export const darwinAlwaysOn = {
  async objections(): Promise<readonly AlwaysOnObjection[]> {
    const found = await Promise.all([powerObjection(), updatesObjection()]);
    return found.filter((one) => one !== undefined);
  },
  async keep(paths: NodePaths): Promise<void> {
    await preventSleep(paths);
    await deferUpdates(paths);
  },
  async release(paths: NodePaths): Promise<void> {
    await resumeUpdates(paths);
    await allowSleep(paths);
  },
};
