import { access, constants, readFile, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { Manifest } from "../generation/manifest.ts";
import { userEnvironment } from "../lib/as-user.ts";
import { exec } from "../lib/exec.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { member } from "../lib/member.ts";
import type { Platform } from "../platform/index.ts";
import type { IdentityEvidence } from "./evidence.ts";

const SECONDS = 5;

type Program = IdentityEvidence["program"];

/** Every executable of that name on a PATH, the first one first; links followed. */
async function onPath(path: string, program: Program): Promise<string[]> {
  const found: string[] = [];
  for (const directory of path.split(delimiter)) {
    if (!directory.startsWith("/")) continue;
    const file = join(directory, program);
    try {
      await access(file, constants.X_OK);
      const real = await realpath(file);
      if (!found.includes(real)) found.push(real);
    } catch {
      // not there
    }
  }
  return found;
}

/** From files alone: a foreign `openclaw` is not run. */
async function versionOf(program: Program, path: string): Promise<string | null> {
  if (program === "node") {
    const { stdout } = await exec([path, "--version"], { timeoutSeconds: SECONDS });
    return /^v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  }
  const text = await readFile(join(dirname(path), "package.json"), "utf8").catch(() => "null");
  try {
    const version = member(JSON.parse(text), "version");
    return typeof version === "string" && /^[\w.-]{1,40}$/.test(version) ? version : null;
  } catch {
    return null;
  }
}

/** PATH of a login shell of the gateway's user; its own shell is nologin. */
async function loginPath(): Promise<string> {
  const marker = "gatehouse-path ";
  const { stdout } = await exec(["/bin/sh", "-lc", `printf "\\n${marker}%s\\n" "$PATH"`], {
    env: userEnvironment(ownUser()),
    timeoutSeconds: SECONDS,
  });
  return (
    stdout
      .split("\n")
      .find((line) => line.startsWith(marker))
      ?.slice(marker.length) ?? ""
  );
}

export interface IdentityInput {
  readonly manifest: Manifest;
  /** PATH of the unit; null when the manager does not say. */
  readonly unitPath: string | undefined;
  readonly sudoPath: string;
  /** 0 when nothing runs. */
  readonly mainPid: number;
}

/** Every `node` and `openclaw` that somebody on this machine would run for this gateway, and the ones that serve. */
export async function identityEvidence(
  input: IdentityInput,
  platform: Pick<Platform, "executableOf">,
): Promise<IdentityEvidence[]> {
  const { manifest, unitPath, sudoPath, mainPid } = input;
  const pins: Record<Program, string> = { node: manifest.nodePath, openclaw: manifest.cliPath };
  const paths = [
    ["unit", unitPath ?? ""],
    ["login shell", await loginPath()],
    ["sudo", sudoPath],
  ] as const;
  const found: IdentityEvidence[] = [];
  for (const [who, path] of paths) {
    for (const program of ["node", "openclaw"] as const) {
      for (const file of await onPath(path, program)) {
        found.push({
          who,
          program,
          path: file,
          version: await versionOf(program, file),
          pinned: file === pins[program],
        });
      }
    }
  }
  return [...found, ...(mainPid === 0 ? [] : await serving(mainPid, manifest, platform))];
}

/** What the main process really is. The vendor replaces its title, so only the executable can be told for sure. */
async function serving(
  pid: number,
  manifest: Manifest,
  platform: Pick<Platform, "executableOf">,
): Promise<IdentityEvidence[]> {
  const path = await platform.executableOf(pid);
  return [
    {
      who: "serving",
      program: "node",
      path,
      version: await versionOf("node", path),
      pinned: path === manifest.nodePath,
    },
  ];
}
