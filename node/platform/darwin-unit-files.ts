import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../lib/atomic.ts";
import { readTextOrNull } from "../lib/json-file.ts";
import { nodePaths } from "../lib/paths.ts";
import type { HomePaths } from "../lib/paths.ts";
import { rootLink } from "../lib/root-link.ts";
import { WRAPPER } from "./darwin-environment.ts";
import { ENVIRONMENT_WRAPPER } from "./darwin-names.ts";
import type { UnitFiles } from "./services.ts";

const WRAPPER_MODE = 0o700;

function wrapperPath({ openclaw }: HomePaths): string {
  return join(openclaw, ENVIRONMENT_WRAPPER);
}

export function plistPath(unit: string): string {
  return join(nodePaths().daemons, `${unit}.plist`);
}

/**
 * The definition is root's, in a folder of root's: what the gateway's user could write there would run as root. The user's
 * step names a generation, and root puts its own copy of that generation's definition in place (docs/decisions/0028).
 */
export const darwinUnitFiles: UnitFiles = {
  directories: [],
  unitFile: (_home, unit) => ({ path: plistPath(unit), mode: 0o644, owner: "root" }),
  // launchd knows no drop-ins, and a system job inherits no variable of a user's
  dropIns: () => Promise.resolve([]),
  environmentFiles: () => Promise.resolve([]),
  async isPlaced(home, { unit, content }) {
    const [definition, wrapper] = await Promise.all([
      readTextOrNull(plistPath(unit)),
      readTextOrNull(wrapperPath(home)),
    ]);
    return definition === content && wrapper === WRAPPER;
  },
  async place(home, { generation }) {
    const wrapper = wrapperPath(home);
    await ensureDirectory(dirname(wrapper), { mode: 0o700 });
    if ((await readTextOrNull(wrapper)) !== WRAPPER) await writeFileAtomic(wrapper, WRAPPER, { mode: WRAPPER_MODE });
    // also when the definition is there: what goes with it may not be
    await rootLink().ask({ verb: "place", generation });
  },
  async removeUnit(home) {
    await rm(wrapperPath(home), { force: true });
    await rootLink().ask({ verb: "remove" });
  },
};
