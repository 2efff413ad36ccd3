import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readLinkOrNull, removeLeftovers, swapSymlink, writeFileAtomic } from "../../lib/atomic.ts";
import { errnoOf } from "../../lib/failure.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import type { HomePaths } from "../../lib/paths.ts";
import type { PlacedUnit, UnitFile, UnitFiles } from "../services.ts";

const SETTLE_UNIT = "gatehouse-settle.service";

function pathOf({ userUnits }: HomePaths, unit: string): string {
  return join(userUnits, unit);
}

/** The unit that takes back an unconfirmed switch, and the link that makes the user manager start it at boot. */
function settlePaths({ userUnits }: HomePaths): { readonly unit: string; readonly want: string } {
  return { unit: join(userUnits, SETTLE_UNIT), want: join(userUnits, "default.target.wants", SETTLE_UNIT) };
}

/** It finishes or takes back an unconfirmed switch before the gateway starts at a boot. */
function settleUnit(home: HomePaths, unit: string, settle: readonly string[]): string {
  return [
    "[Unit]",
    "Description=Gatehouse: take back a gateway switch that nobody confirmed",
    `ConditionPathExists=${home.switchJournal}`,
    `Before=${unit}`,
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${[...settle, "--boot"].join(" ")}`,
    "TimeoutStartSec=60",
    "UMask=0077",
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n");
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
}

async function place(home: HomePaths, { unit, content }: PlacedUnit, settle: readonly string[]): Promise<void> {
  const { unit: settlePath, want } = settlePaths(home);
  await removeLeftovers(home.userUnits);
  for (const [path, text] of [
    [pathOf(home, unit), content],
    [settlePath, settleUnit(home, unit, settle)],
  ] as const) {
    if ((await readTextOrNull(path)) !== text) await writeFileAtomic(path, text, { mode: 0o600 });
  }
  if ((await readLinkOrNull(want)) !== settlePath) await swapSymlink(want, settlePath);
}

export const linuxUnitFiles: UnitFiles = {
  directories: [
    ".config/systemd",
    ".config/systemd/user",
    ".config/systemd/user/default.target.wants",
    ".config/systemd/user/timers.target.wants",
  ],
  place,
  unitFile(home, unit): UnitFile {
    return { path: pathOf(home, unit), mode: 0o600, owner: "gateway user" };
  },
  async dropIns(home, unit) {
    const directory = join(home.userUnits, `${unit}.d`);
    return (await namesIn(directory)).filter((name) => name.endsWith(".conf")).map((name) => join(directory, name));
  },
  async environmentFiles(home) {
    const directory = join(home, ".config/environment.d");
    return (await namesIn(directory)).map((name) => join(directory, name));
  },
  async isPlaced(home, { unit, content }) {
    return (await readTextOrNull(pathOf(home, unit))) === content;
  },
  async removeUnit(home, unit) {
    const { unit: settlePath, want } = settlePaths(home);
    const path = pathOf(home, unit);
    for (const file of [path, `${path}.bak`, want, settlePath]) await rm(file, { force: true });
  },
};
