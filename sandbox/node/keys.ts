import ssh2 from "ssh2";
import { NodeError } from "./errors.ts";

export interface KeyPair {
  /** OpenSSH private key file, unencrypted. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, without the comment. */
  readonly publicKey: string;
}

const ATTEMPTS = 8;

/**
 * A new ed25519 key pair in OpenSSH's format.
 * ssh2 1.17 drops a leading zero byte about once in 300 keys and writes a key that does not work, hence the trial signature.
 */
export function generateKeyPair(comment: string): KeyPair {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    if (signs(pair.private, pair.public)) {
      return { privateKey: pair.private, publicKey: pair.public.split(" ").slice(0, 2).join(" ") };
    }
  }
  throw new NodeError("no working ed25519 key could be generated", "check the version of ssh2");
}

/** The key itself as it goes over the wire, from `ssh-ed25519 AAAA…`. */
export function publicKeyBlob(publicKey: string): Buffer {
  return Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
}

function signs(privateKey: string, publicKey: string): boolean {
  const [signer, verifier] = [ssh2.utils.parseKey(privateKey), ssh2.utils.parseKey(publicKey)];
  if (signer instanceof Error || verifier instanceof Error) return false;
  const message = Buffer.from("trial");
  const signature: unknown = signer.sign(message);
  if (!Buffer.isBuffer(signature)) return false;
  // an Error instead of false is possible too, against the types
  const verified: unknown = verifier.verify(message, signature);
  return verified === true;
}
