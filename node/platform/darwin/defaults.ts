import { exec } from "../../lib/exec.ts";

const DEFAULTS = "/usr/bin/defaults";
const SECONDS = 20;

/** What a preference is: its text, `unset`, or `unknown` where that could not be found out. */
export type Preference = { readonly state: "set"; readonly value: string } | { readonly state: "unset" | "unknown" };

/** `defaults` ends with 1 for a preference that is not set and for everything else: its words tell which (man defaults). */
export async function readPreference(domain: string, key: string): Promise<Preference> {
  try {
    const { status, stdout, stderr } = await exec([DEFAULTS, "read", domain, key], { timeoutSeconds: SECONDS });
    if (status === 0) return { state: "set", value: stdout.trim() };
    return { state: /\bdoes not exist\b/.test(stderr) ? "unset" : "unknown" };
  } catch {
    return { state: "unknown" };
  }
}

/** As root. Whether it was taken, only a look tells. */
export async function writeFlag(domain: string, key: string, value: boolean): Promise<void> {
  await exec([DEFAULTS, "write", domain, key, "-bool", String(value)], { timeoutSeconds: SECONDS });
}

/** As root; one that is not set is fine. */
export async function deletePreference(domain: string, key: string): Promise<void> {
  await exec([DEFAULTS, "delete", domain, key], { timeoutSeconds: SECONDS });
}
