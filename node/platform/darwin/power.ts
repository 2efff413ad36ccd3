import { dirname } from "node:path";
import { rm } from "node:fs/promises";
import { EXIT } from "../../protocol.ts";
import { ensureDirectory, writeFileAtomic } from "../../lib/atomic.ts";
import { exec } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { readJsonOrNull } from "../../lib/json-file.ts";
import type { NodePaths } from "../../lib/paths.ts";
import { object, textLike } from "../../lib/shape.ts";
import type { AlwaysOnObjection } from "../index.ts";

/** pmset's names: minutes, or 0 and 1. A machine that has no such setting does not list it. */
const ALWAYS_ON: Readonly<Record<string, string>> = {
  sleep: "0",
  disksleep: "0",
  standby: "0",
  powernap: "0",
  // a magic packet wakes it, and it comes back by itself after a power cut
  womp: "1",
  autorestart: "1",
};

const PMSET = "/usr/bin/pmset";

type Settings = ReadonlyMap<string, string>;

/** Settings of the mains: the section `AC Power:` of `pmset -g custom`, whose lines come in any order. */
export function parseCustom(text: string): Settings {
  const values = new Map<string, string>();
  let mains = false;
  for (const line of text.split("\n")) {
    if (/^\S.*:\s*$/.test(line)) mains = line.startsWith("AC Power");
    else {
      // names may have blanks: `Sleep On Power Button 1`
      const match = /^\s+(\S(?:.*\S)?)\s+(\S+)\s*$/.exec(line);
      if (mains && match !== null) values.set(match[1] ?? "", match[2] ?? "");
    }
  }
  return values;
}

async function current(): Promise<Settings> {
  const { status, stdout } = await exec([PMSET, "-g", "custom"], { timeoutSeconds: 20 });
  const settings = parseCustom(stdout);
  if (status === 0 && settings.has("sleep")) return settings;
  throw new PhaseFailure({
    layer: "host",
    code: "power-settings",
    message: "the power settings cannot be read",
    fix: "run `pmset -g custom` on the node: it should have a section `AC Power:` with `sleep`",
    exit: EXIT.unavailable,
  });
}

async function set(settings: Readonly<Record<string, string>>): Promise<void> {
  const words = Object.entries(settings).flat();
  if (words.length === 0) return;
  const result = await exec([PMSET, "-a", ...words], { timeoutSeconds: 20 });
  if (result.status === 0) return;
  throw new PhaseFailure({
    layer: "host",
    code: "power-settings",
    // pmset complains on stdout
    message: `\`pmset -a ${words.join(" ")}\` failed: ${result.stdout.trim().split("\n").at(-1) ?? ""}`,
    fix: "run that command on the node as root and follow its message",
    exit: EXIT.os,
  });
}

/** What of `wanted` this machine has, and has otherwise. */
function different(settings: Settings, wanted: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => settings.has(name) && settings.get(name) !== value),
  );
}

export async function powerObjection(): Promise<AlwaysOnObjection | undefined> {
  const settings = await current();
  const others = Object.entries(different(settings, ALWAYS_ON));
  if (others.length === 0) return undefined;
  const words = others.map(([name, value]) => `${name} is ${settings.get(name) ?? ""}, not ${value}`);
  return {
    about: "sleep",
    what: "pmset -g custom",
    detail: `${words.join("; ")}: the machine may go to sleep or stay off`,
  };
}

const record = object<{ readonly before: Readonly<Record<string, string>> }>({
  before: (value, path) =>
    Object.fromEntries(
      Object.entries(value as Record<string, unknown>).map(([name, text]) => [
        name,
        textLike(/^-?\d+$/, "a number as pmset writes it")(text, `${path}.${name}`),
      ]),
    ),
});

/** Keeps the machine awake; what was before is noted first, once, for `allowSleep`. */
export async function preventSleep({ powerRecord }: NodePaths): Promise<void> {
  const settings = await current();
  const changes = different(settings, ALWAYS_ON);
  if (Object.keys(changes).length === 0) return;
  const known = (await readJsonOrNull(powerRecord, record))?.before ?? {};
  // a setting that somebody changed after ours keeps the value from before the first of our changes
  const before = {
    ...Object.fromEntries(Object.keys(changes).map((name) => [name, settings.get(name) ?? ""])),
    ...known,
  };
  await ensureDirectory(dirname(powerRecord), { mode: 0o700 });
  await writeFileAtomic(powerRecord, `${JSON.stringify({ before })}\n`, { mode: 0o600 });
  await set(changes);
  const left = Object.keys(different(await current(), ALWAYS_ON));
  if (left.length === 0) return;
  throw new PhaseFailure({
    layer: "host",
    code: "power-settings",
    message: `pmset did not keep ${left.join(", ")}`,
    fix: "a configuration profile may set it: look at `profiles show` on the node, or set `alwaysOn: false`",
    exit: EXIT.os,
  });
}

/** Puts back what `preventSleep` found. */
export async function allowSleep({ powerRecord }: NodePaths): Promise<void> {
  const known = await readJsonOrNull(powerRecord, record);
  if (known === null) return;
  await set(different(await current(), known.before));
  await rm(powerRecord, { force: true });
}
