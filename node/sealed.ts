import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from "node:crypto";

/**
 * Payloads with secrets are sealed to the node: X25519, HKDF-SHA-256, AES-256-GCM. Neither the engine, whose verbose log
 * prints every input, nor its state or its plugins see what is inside (docs/decisions/0011).
 */
const LABEL = "gatehouse/seal/v1";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** PKCS #8 and SPKI around a raw X25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** What travels in place of a payload. */
export interface SealedPayload {
  readonly sealed: 1;
  /** The sender's public key for this payload, base64url. */
  readonly sender: string;
  /** Ciphertext and tag, base64url. */
  readonly text: string;
}

export function isSealed(payload: unknown): payload is SealedPayload {
  return typeof payload === "object" && payload !== null && "sealed" in payload;
}

function rawPublicKey(key: KeyObject): Buffer {
  return (key.type === "private" ? createPublicKey(key) : key)
    .export({ type: "spki", format: "der" })
    .subarray(-KEY_BYTES);
}

/** The public half of a node's key as text: 32 bytes, base64url. */
export function publicText(privateKey: KeyObject): string {
  return rawPublicKey(privateKey).toString("base64url");
}

function publicKeyFrom(text: string): KeyObject {
  const raw = Buffer.from(text, "base64url");
  if (raw.length !== KEY_BYTES)
    throw new Error(`expected an X25519 public key of ${KEY_BYTES} bytes, got ${raw.length}`);
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}

/** Key and nonce of one payload: both sides of the exchange can make them, nobody else. */
function cipherOf(privateKey: KeyObject, publicKey: KeyObject, sender: Buffer, recipient: Buffer) {
  const both = Buffer.concat([sender, recipient]);
  const shared = diffieHellman({ privateKey, publicKey });
  const material = Buffer.from(hkdfSync("sha256", shared, both, `${LABEL} cipher`, KEY_BYTES + NONCE_BYTES));
  return { key: material.subarray(0, KEY_BYTES), nonce: material.subarray(KEY_BYTES), both };
}

/**
 * Seals a text for the holder of `recipient`. The same text, recipient and secret give the same result, so that a stack
 * that changes nothing has nothing to update; the sender's key is used for this one text only.
 * @param recipient `publicText` of the node's key.
 * @param secret At least 32 random bytes that only the operator's side has.
 */
export function seal(text: string, recipient: string, secret: Buffer): SealedPayload {
  if (secret.length < KEY_BYTES) throw new Error(`sealing needs a secret of ${KEY_BYTES} bytes, got ${secret.length}`);
  const publicKey = publicKeyFrom(recipient);
  const digest = createHash("sha256").update(text).digest();
  const context = Buffer.concat([Buffer.from(`${LABEL} sender\0`), rawPublicKey(publicKey), digest]);
  const seed = Buffer.from(hkdfSync("sha256", secret, "", context, KEY_BYTES));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const sender = rawPublicKey(privateKey);
  const { key, nonce, both } = cipherOf(privateKey, publicKey, sender, rawPublicKey(publicKey));
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(both);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return { sealed: 1, sender: sender.toString("base64url"), text: sealed.toString("base64url") };
}

/**
 * The text of a sealed payload.
 * @throws {Error} when it was sealed for another key or is damaged.
 */
export function unseal(payload: SealedPayload, privateKey: KeyObject): string {
  const publicKey = publicKeyFrom(payload.sender);
  const { key, nonce, both } = cipherOf(privateKey, publicKey, rawPublicKey(publicKey), rawPublicKey(privateKey));
  const bytes = Buffer.from(payload.text, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(both);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString("utf8");
}
