import { exec } from "../../lib/exec.ts";
import { exists } from "../../lib/exists.ts";
import type { BootFacts } from "../index.ts";

const SECONDS = 10;

/** Standard output whatever the status; undefined where the program is missing or gave no answer. */
async function output(...argv: readonly [string, ...string[]]): Promise<string | undefined> {
  try {
    const { stdout, timedOut } = await exec(argv, { timeoutSeconds: SECONDS });
    return timedOut ? undefined : stdout;
  } catch {
    return undefined;
  }
}

/** The clock of a container is its host's (systemd-detect-virt(1): `none` outside of one). */
async function isContainer(): Promise<boolean> {
  const said = (await output("systemd-detect-virt", "--container"))?.trim() ?? "";
  return said !== "" && said !== "none";
}

/**
 * timedatectl(1): whether a service that it knows follows a time server, or the kernel says that something does. A machine
 * without such a service may have another one, of which nothing here knows.
 */
async function networkTime(): Promise<boolean | null> {
  const said = await output("timedatectl", "show", "--property=CanNTP", "--property=NTP", "--property=NTPSynchronized");
  const is = (name: string, value: string): boolean => new RegExp(`^${name}=${value}$`, "m").test(said ?? "");
  if (is("NTP", "yes") || is("NTPSynchronized", "yes")) return true;
  return is("CanNTP", "yes") && is("NTP", "no") && is("NTPSynchronized", "no") ? false : null;
}

const UNATTENDED = "/usr/bin/unattended-upgrade";

/**
 * What unattended-upgrades of Debian and Ubuntu does: `Automatic-Reboot`, off where it is not set, and only when apt runs it
 * (README of unattended-upgrades, apt.systemd.daily). Null on other systems.
 */
async function updatesRestart(): Promise<boolean | null> {
  const settings = await output(
    "apt-config",
    "dump",
    "APT::Periodic::Unattended-Upgrade",
    "Unattended-Upgrade::Automatic-Reboot",
  );
  if (settings === undefined) return null;
  if (!(await exists(UNATTENDED))) return false;
  const value = (name: string): string => new RegExp(`^${name} "([^"]*)";$`, "m").exec(settings)?.[1] ?? "";
  const runs = !["", "0"].includes(value("APT::Periodic::Unattended-Upgrade"));
  return runs && /^(?:1|true|yes|on|with|enable)$/i.test(value("Unattended-Upgrade::Automatic-Reboot"));
}

/** Changes nothing. */
export async function bootFacts(): Promise<BootFacts> {
  const [contained, time, updates] = await Promise.all([isContainer(), networkTime(), updatesRestart()]);
  return { ...(!contained && { networkTime: time }), updatesRestart: updates };
}
