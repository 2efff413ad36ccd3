import { access, constants, readFile, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { Manifest } from "../generation/manifest.ts";
import { userEnvironment } from "../lib/as-user.ts";
import { exec } from "../lib/exec.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { member } from "../lib/member.ts";
import { absolutePath, list, object, oneOf, optional, text } from "../lib/shape.ts";
import type { Context } from "../phase.ts";
import type { Platform } from "../platform/index.ts";
import type { IdentityEvidence } from "./evidence.ts";

const SECONDS = 5;

type Program = IdentityEvidence["program"];

/** An executable on somebody's PATH. */
export interface FoundProgram {
  readonly program: Program;
  /** Links followed. */
  readonly path: string;
  readonly version?: string;
}

const foundProgram = object<FoundProgram>({
  program: oneOf("node", "openclaw"),
  path: absolutePath,
  version: optional(text),
});

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

async function programsOn(path: string): Promise<FoundProgram[]> {
  const found: FoundProgram[] = [];
  for (const program of ["node", "openclaw"] as const) {
    for (const file of await onPath(path, program)) {
      const version = await versionOf(program, file);
      found.push({ program, path: file, ...(version !== null && { version }) });
    }
  }
  return found;
}

/** What whoever logs in to this machine would run. */
export interface OperatorPrograms {
  readonly login: readonly FoundProgram[];
  /** With sudo's PATH; empty for root, who needs none. */
  readonly sudo: readonly FoundProgram[];
}

const programs = list(foundProgram);
export const operatorPrograms = object<OperatorPrograms>({ login: programs, sudo: programs });

/** Runs as the operator. Sudo, which may ask for nothing, prints the PATH that it gives. */
export async function ownPrograms(): Promise<OperatorPrograms> {
  const user = ownUser();
  const login = await programsOn(await loginPath());
  if (user.uid === 0) return { login, sudo: [] };
  const { stdout } = await exec(["sudo", "-n", "printenv", "PATH"], {
    env: userEnvironment(user),
    timeoutSeconds: SECONDS,
  });
  return { login, sudo: await programsOn(stdout.trim()) };
}

/** @throws {Error} when the operator is no user of this machine, or gives no answer. */
export async function programsOfOperator(name: string, context: Context): Promise<OperatorPrograms> {
  const user = await context.platform.users.find(name);
  if (user === undefined) throw new Error("no such user");
  return (await context.asUser(user, "diagnose-programs", {}, { timeoutSeconds: 6 * SECONDS })) as OperatorPrograms;
}

/** PATH of a login shell of whoever this process runs as; a gateway's user has nologin itself. */
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
  /** Absent where it could not be found out, or is not asked for. */
  readonly operator?: OperatorPrograms;
  /** 0 when nothing runs. */
  readonly mainPid: number;
}

/** Every `node` and `openclaw` that somebody on this machine would run for this gateway, and the ones that serve. */
export async function identityEvidence(
  input: IdentityInput,
  platform: Pick<Platform, "executableOf">,
): Promise<IdentityEvidence[]> {
  const { manifest, unitPath, operator, mainPid } = input;
  const pins: Record<Program, string> = { node: manifest.nodePath, openclaw: manifest.cliPath };
  const everybody = [
    ["unit", await programsOn(unitPath ?? "")],
    ["login shell", await programsOn(await loginPath())],
    ["sudo", operator?.sudo ?? []],
    ["operator", operator?.login ?? []],
  ] as const;
  const found = everybody.flatMap(([who, all]) =>
    all.map(({ program, path, version = null }) => ({
      ...{ who, program, path, version },
      pinned: path === pins[program],
    })),
  );
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
