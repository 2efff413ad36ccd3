import { blobType, sha256Fingerprint } from "../shared/openssh-key.ts";
import { PluginError } from "../shared/plugin-error.ts";

/** The one host key that a connection accepts. */
export interface HostKeyPin {
  /** Host key algorithm to offer to the server, and no other. */
  readonly algorithm: string;
  readonly blob: Buffer;
}

/**
 * Reads a pin in authorized_keys form: `ssh-ed25519 AAAA… comment`.
 * @throws {PluginError} without quoting the text: someone may have put a private key there.
 */
export function parseHostKey(line: string): HostKeyPin {
  const [algorithm, encoded] = line.trim().split(/\s+/);
  const blob = Buffer.from(encoded ?? "", "base64");
  if (algorithm === undefined || blobType(blob) !== algorithm) {
    throw new PluginError(
      'ssh: no key found: hostKey must read "<algorithm> <base64>", one line of authorized_keys form',
    );
  }
  return { algorithm, blob };
}

export function hostKeyMismatch(pin: HostKeyPin, offered: Buffer): PluginError {
  return new PluginError(
    `ssh: handshake failed: ssh: host key mismatch: expected ${pin.algorithm} ${sha256Fingerprint(pin.blob)}, ` +
      `the server offered ${blobType(offered) ?? "an unknown kind"} ${sha256Fingerprint(offered)}`,
  );
}
