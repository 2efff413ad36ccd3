import { dirname } from "node:path";
import { rm } from "node:fs/promises";
import { EXIT } from "../../protocol.ts";
import { ensureDirectory, writeFileAtomic } from "../../lib/atomic.ts";
import { exec } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { readJsonOrNull } from "../../lib/json-file.ts";
import type { NodePaths } from "../../lib/paths.ts";
import { flag, nullable, object } from "../../lib/shape.ts";
import { deletePreference, readPreference, writeFlag } from "./defaults.ts";
import type { AlwaysOnObjection } from "../index.ts";

/** Installs updates of macOS by itself, and restarts for them: an automatic restart has stopped a headless Mac (facts: macos.md 3). */
const KEY = "AutomaticallyInstallMacOSUpdates";
const DOMAIN = "/Library/Preferences/com.apple.SoftwareUpdate";
/** A configuration profile's: it wins over the one above, and only the profile changes it. */
const MANAGED = "/Library/Managed Preferences/com.apple.SoftwareUpdate";

type Setting = boolean | "unset" | "unknown";

async function settingIn(domain: string): Promise<Setting> {
  const found = await readPreference(domain, KEY);
  if (found.state !== "set") return found.state;
  if (/^(?:1|true|yes)$/i.test(found.value)) return true;
  return /^(?:0|false|no)$/i.test(found.value) ? false : "unknown";
}

/** `softwareupdate --schedule`: without the check for updates nothing is installed by itself (man softwareupdate). */
async function checksForUpdates(): Promise<boolean | null> {
  try {
    const { status, stdout } = await exec(["/usr/sbin/softwareupdate", "--schedule"], { timeoutSeconds: 20 });
    const word = /Automatic check(?:ing for updates)? is turned (on|off)/i.exec(stdout)?.[1];
    return status === 0 && word !== undefined ? word.toLowerCase() === "on" : null;
  } catch {
    return null;
  }
}

/** Whether macOS restarts for an update by itself; null where it does not say, which is so for a setting that nobody made. */
export async function updatesRestart(): Promise<boolean | null> {
  const [managed, own, checks] = await Promise.all([settingIn(MANAGED), settingIn(DOMAIN), checksForUpdates()]);
  const setting = managed === "unset" ? own : managed;
  if (setting === false || checks === false) return false;
  return setting === true ? true : null;
}

/** Not a profile's setting: that is told as a fact, and changed by whoever manages the profile. */
export async function updatesObjection(): Promise<AlwaysOnObjection | undefined> {
  if ((await settingIn(MANAGED)) !== "unset") return undefined;
  const setting = await settingIn(DOMAIN);
  if (setting === false) return undefined;
  const words = typeof setting === "string" ? setting : "true";
  return {
    about: "updates",
    what: `defaults read ${DOMAIN}`,
    detail: `${KEY} is ${words}, not false: an update may restart the machine at any time`,
  };
}

interface Before {
  /** Null: it was not set. */
  readonly before: boolean | null;
}

const record = object<Before>({ before: nullable(flag) });

/** Keeps macOS from installing its updates by itself; what was before is noted first, once. */
export async function deferUpdates({ updatesRecord }: NodePaths): Promise<void> {
  if ((await updatesObjection()) === undefined) return;
  const setting = await settingIn(DOMAIN);
  if (setting === "unknown") {
    throw failure(
      `whether macOS installs updates by itself cannot be read`,
      `run \`defaults read ${DOMAIN} ${KEY}\` on the node as root`,
    );
  }
  if ((await readJsonOrNull(updatesRecord, record)) === null) {
    const before: Before = { before: setting === "unset" ? null : setting };
    await ensureDirectory(dirname(updatesRecord), { mode: 0o700 });
    await writeFileAtomic(updatesRecord, `${JSON.stringify(before)}\n`, { mode: 0o600 });
  }
  await writeFlag(DOMAIN, KEY, false);
  if ((await settingIn(DOMAIN)) === false) return;
  throw failure(
    `macOS did not keep ${KEY}`,
    `run \`defaults write ${DOMAIN} ${KEY} -bool false\` on the node as root; a configuration profile may set it (\`profiles show\`), or set \`alwaysOn: false\``,
  );
}

/** Puts back what `deferUpdates` found. */
export async function resumeUpdates({ updatesRecord }: NodePaths): Promise<void> {
  const known = await readJsonOrNull(updatesRecord, record);
  if (known === null) return;
  const setting = await settingIn(DOMAIN);
  if (known.before === null && setting !== "unset") await deletePreference(DOMAIN, KEY);
  if (known.before !== null && setting !== known.before) await writeFlag(DOMAIN, KEY, known.before);
  if ((await settingIn(DOMAIN)) !== (known.before ?? "unset"))
    throw failure(`macOS did not take back ${KEY}`, `look at \`defaults read ${DOMAIN} ${KEY}\` on the node`);
  await rm(updatesRecord, { force: true });
}

function failure(message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "host", code: "update-settings", message, fix, exit: EXIT.os });
}
