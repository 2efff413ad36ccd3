import { existsSync, readFileSync } from "node:fs";
import type { Faults as LaunchdFaults } from "./launchd/manager.ts";
import { PATHS } from "./paths.ts";
import { replaceFile } from "./replace-file.ts";

/** Behaviour seen on some machines only, switched on by a test that writes this as JSON to `PATHS.faults`. */
export interface Faults extends LaunchdFaults {
  /** dscl and systemsetup refuse what needs Full Disk Access over SSH (facts/macos.md 2). */
  readonly noFullDiskAccess?: boolean;
  /** codesign answers this for every file: 1 modified, 3 another signer. */
  readonly badSignature?: 1 | 3;
  /** The login keychain is unlocked; by default there is none that could be. */
  readonly keychainUnlocked?: boolean;
}

export function readFaults(): Faults {
  return existsSync(PATHS.faults) ? (JSON.parse(readFileSync(PATHS.faults, "utf8")) as Faults) : {};
}

export function writeFaults(faults: Faults): void {
  replaceFile(PATHS.faults, JSON.stringify(faults), 0o644);
}
