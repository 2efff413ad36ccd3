import { exec } from "../../lib/exec.ts";
import { readPreference } from "./defaults.ts";
import { updatesRestart } from "./updates.ts";
import type { BootFacts } from "../index.ts";

const SECONDS = 20;

/** Undefined where the program gave no answer. */
async function answer(...argv: readonly [string, ...string[]]): Promise<string | undefined> {
  try {
    const { status, stdout } = await exec(argv, { timeoutSeconds: SECONDS });
    return status === 0 ? stdout : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `fdesetup status` (facts: macos.md 3). "Off." with more lines below is on its way to something else, which only the next
 * boot shows.
 */
async function fileVault(): Promise<boolean | null> {
  const said = (await answer("/usr/bin/fdesetup", "status"))?.trim() ?? "";
  if (/^FileVault is On\.(?:\n|$)/.test(said)) return true;
  return said === "FileVault is Off." ? false : null;
}

async function automaticLogin(): Promise<boolean | null> {
  const found = await readPreference("/Library/Preferences/com.apple.loginwindow", "autoLoginUser");
  if (found.state === "unknown") return null;
  return found.state === "set" && found.value !== "";
}

/** `systemsetup` takes root, and says so on stdout with status 1 or 0 by version: only its own words count. */
async function networkTime(): Promise<boolean | null> {
  const said = await answer("/usr/sbin/systemsetup", "-getusingnetworktime");
  const word = /^Network Time: (On|Off)$/m.exec(said ?? "")?.[1];
  return word === undefined ? null : word === "On";
}

/** As root. Changes nothing. */
export async function bootFacts(): Promise<BootFacts> {
  const [vault, login, time, updates] = await Promise.all([
    fileVault(),
    automaticLogin(),
    networkTime(),
    updatesRestart(),
  ]);
  return { fileVault: vault, automaticLogin: login, networkTime: time, updatesRestart: updates };
}
