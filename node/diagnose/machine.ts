import { statfs } from "node:fs/promises";
import { exec } from "../lib/exec.ts";

const SECONDS = 5;

/** Files that can still be made on the file system of `path`; `unlimited` where it keeps no table of them (btrfs). */
export async function freeInodes(path: string): Promise<number | "unlimited"> {
  const { files, ffree } = await statfs(path);
  return files === 0 ? "unlimited" : ffree;
}

/** Whether the kernel's clock follows a time server; null where the machine has nothing that says so. */
export async function clockSynchronized(): Promise<boolean | null> {
  const { status, stdout } = await exec(["timedatectl", "show", "--property=NTPSynchronized", "--value"], {
    timeoutSeconds: SECONDS,
  });
  const answer = stdout.trim();
  return status === 0 && (answer === "yes" || answer === "no") ? answer === "yes" : null;
}
