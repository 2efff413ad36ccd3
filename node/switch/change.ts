import type { StoredGeneration } from "../generation/store.ts";
import type { VendorChecks } from "./gate.ts";

/**
 * Whether only values change: the runtime has accepted this very configuration before, and the agents' profiles, which
 * hold references, are written. Saves the vendor's `secrets apply`, three seconds of a rotation.
 */
export function isRotation(before: StoredGeneration, { files, manifest }: StoredGeneration): boolean {
  return (
    before.manifest.generation !== manifest.generation &&
    before.manifest.runtimeId === manifest.runtimeId &&
    before.files.config === files.config &&
    before.files.secretsPlan === files.secretsPlan
  );
}

/** Whether nothing but the key file differs, so that the running process can take it without a restart. */
export function isReloadable(before: StoredGeneration, { files, manifest }: StoredGeneration): boolean {
  const names = new Set([...Object.keys(before.files), ...Object.keys(files)] as (keyof typeof files)[]);
  names.delete("keys");
  return (
    isRotation(before, { files, manifest }) &&
    files.keys !== undefined &&
    before.files.keys !== undefined &&
    [...names].every((name) => before.files[name] === files[name])
  );
}

/**
 * What the vendor is asked of a generation. Where values alone are new, its commands would judge files that it accepted
 * before, with variables that we hand to them: the token it can be asked for, a key only the running process has.
 */
export function checksFor(rotated: StoredGeneration | null, { manifest }: StoredGeneration): VendorChecks {
  if (rotated === null) return "everything";
  return rotated.manifest.tokenFingerprint === manifest.tokenFingerprint ? "nothing" : "session";
}
