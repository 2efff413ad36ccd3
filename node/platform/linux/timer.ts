import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic.ts";
import { errnoOf } from "../../lib/failure.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import { homePaths } from "../../lib/paths.ts";
import type { RepeatedJob } from "../services.ts";

const RUN_SECONDS = 120;

function unitsDirectory(): string {
  return homePaths(ownUser().home).userUnits;
}

/** A user timer and what it starts, by file name. */
export function renderTimer({ name, description, everySeconds, argv }: RepeatedJob): Readonly<Record<string, string>> {
  return {
    [`${name}.service`]: [
      "[Unit]",
      `Description=${description}`,
      "",
      "[Service]",
      "Type=oneshot",
      `ExecStart=${argv.join(" ")}`,
      `TimeoutStartSec=${RUN_SECONDS}`,
      "Nice=10",
      "UMask=0077",
      "LimitCORE=0",
      "NoNewPrivileges=yes",
      // nothing is logged of a run that went well, and everything of one that failed
      "StandardOutput=null",
      "SyslogLevel=notice",
      "LogLevelMax=notice",
      "",
    ].join("\n"),
    [`${name}.timer`]: [
      "[Unit]",
      `Description=${description}, every ${everySeconds} s`,
      "",
      "[Timer]",
      // past when the timer starts later than its manager: then it fires at once
      "OnStartupSec=1s",
      `OnUnitActiveSec=${everySeconds}s`,
      "AccuracySec=1s",
      "",
      "[Install]",
      "WantedBy=timers.target",
      "",
    ].join("\n"),
  };
}

/** Drop-ins of the user's own, which change what the units say. */
async function dropIns(name: string): Promise<string[]> {
  const found = await Promise.all(
    [`${name}.service.d`, `${name}.timer.d`].map(async (directory) => {
      const path = join(unitsDirectory(), directory);
      return await readdir(path).then(
        () => [path],
        (error: unknown) => {
          if (errnoOf(error) === "ENOENT") return [];
          throw error;
        },
      );
    }),
  );
  return found.flat();
}

export async function timerDifferences(job: RepeatedJob): Promise<readonly string[]> {
  const files = await Promise.all(
    Object.entries(renderTimer(job)).map(async ([file, content]) => {
      const path = join(unitsDirectory(), file);
      const found = await readTextOrNull(path);
      if (found === null) return [`${path} is missing`];
      return found === content && (await lstat(path)).isFile() ? [] : [`${path} does not say what it should`];
    }),
  );
  return [...files.flat(), ...(await dropIns(job.name)).map((path) => `${path} changes it`)];
}

/** Each by one rename; drop-ins are taken away, they were never ours. */
export async function writeTimer(job: RepeatedJob): Promise<void> {
  for (const [file, content] of Object.entries(renderTimer(job)))
    await writeFileAtomic(join(unitsDirectory(), file), content, { mode: 0o600 });
  for (const path of await dropIns(job.name)) await rm(path, { recursive: true });
}

/** What is there of a timer. */
export async function timerFiles(name: string): Promise<readonly string[]> {
  const paths = [".service", ".timer"].map((end) => join(unitsDirectory(), name + end));
  const there = await Promise.all(paths.map(async (path) => (await readTextOrNull(path)) !== null));
  return [...paths.filter((_path, index) => there[index]), ...(await dropIns(name))];
}

export async function removeTimer(name: string): Promise<void> {
  const want = join(unitsDirectory(), "timers.target.wants", `${name}.timer`);
  for (const path of [want, ...(await timerFiles(name))]) await rm(path, { recursive: true, force: true });
}
