import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureDirectory, writeFileAtomic } from "../../lib/atomic.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import { homePaths, nodePaths } from "../../lib/paths.ts";
import type { HomePaths } from "../../lib/paths.ts";
import { rootLink } from "../../lib/root-link.ts";
import type { StartsAt } from "../../protocol.ts";
import { WRAPPER } from "./environment.ts";
import { ENVIRONMENT_WRAPPER, startOf } from "./names.ts";
import type { UnitFile, UnitFiles } from "../services.ts";

const WRAPPER_MODE = 0o700;

function wrapperPath({ openclaw }: HomePaths): string {
  return join(openclaw, ENVIRONMENT_WRAPPER);
}

/** Where a gateway's definition is, and whose it is. */
interface Place {
  readonly path: (home: HomePaths, unit: string) => string;
  readonly mode: number;
  readonly owner: UnitFile["owner"];
}

const PLACES: Readonly<Record<StartsAt, Place>> = {
  boot: { path: (_home, unit) => join(nodePaths().daemons, `${unit}.plist`), mode: 0o644, owner: "root" },
  login: { path: ({ launchAgents }, unit) => join(launchAgents, `${unit}.plist`), mode: 0o600, owner: "gateway user" },
};

/** The folders are the user's: one that is there keeps its mode. */
async function placeAgent(home: HomePaths, unit: string, content: string): Promise<void> {
  const { path, mode } = PLACES.login;
  await mkdir(home.launchAgents, { recursive: true, mode: 0o700 });
  const file = path(home, unit);
  if ((await readTextOrNull(file)) !== content) await writeFileAtomic(file, content, { mode });
}

/** For the process's own user. */
export function plistPath(unit: string): string {
  return PLACES[startOf(unit)].path(homePaths(ownUser().home), unit);
}

/**
 * The definition of a system job is root's, in a folder of root's: what the gateway's user could write there would run as
 * root. The user's step names a generation, and root puts its own copy of that generation's definition in place. What is in
 * `~/Library/LaunchAgents` only ever runs as its user, in a folder of that user's: there the step writes it, and root nothing
 * (docs/decisions/0028).
 */
export const darwinUnitFiles: UnitFiles = {
  directories: [],
  unitFile(home, unit) {
    const { path, mode, owner } = PLACES[startOf(unit)];
    return { path: path(home, unit), mode, owner };
  },
  // launchd knows no drop-ins, and no files of variables
  dropIns: () => Promise.resolve([]),
  environmentFiles: () => Promise.resolve([]),
  async isPlaced(home, { unit, content }) {
    const [definition, wrapper] = await Promise.all([
      readTextOrNull(PLACES[startOf(unit)].path(home, unit)),
      readTextOrNull(wrapperPath(home)),
    ]);
    return definition === content && wrapper === WRAPPER;
  },
  async place(home, { unit, generation, content }) {
    const wrapper = wrapperPath(home);
    await ensureDirectory(dirname(wrapper), { mode: 0o700 });
    if ((await readTextOrNull(wrapper)) !== WRAPPER) await writeFileAtomic(wrapper, WRAPPER, { mode: WRAPPER_MODE });
    if (startOf(unit) === "login") await placeAgent(home, unit, content);
    // also when the definition is there: what goes with it may not be
    await rootLink().ask({ verb: "place", generation });
  },
  async removeUnit(home, unit) {
    await rm(wrapperPath(home), { force: true });
    await rootLink().ask({ verb: "remove" });
    if (startOf(unit) === "login") await rm(PLACES.login.path(home, unit), { force: true });
  },
};
