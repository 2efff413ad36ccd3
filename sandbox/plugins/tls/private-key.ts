import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { md5Fingerprint, opensshPrivatePem, publicBlob, sha256Fingerprint } from "../shared/openssh-key.ts";

export const ALGORITHMS = ["RSA", "ECDSA", "ED25519"] as const;
export const CURVES = { P224: "secp224r1", P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" } as const;
export const DEFAULT_CURVE = "P224";
export const DEFAULT_RSA_BITS = 2048;

export interface KeyOptions {
  readonly algorithm: (typeof ALGORITHMS)[number];
  readonly ecdsaCurve: keyof typeof CURVES;
  /** Modulus length in bits. */
  readonly rsaBits: number;
}

export interface GeneratedKey {
  /** Hexadecimal SHA-1 of the public key's DER form. */
  readonly id: string;
  readonly privateKeyPem: string;
  readonly privateKeyPemPkcs8: string;
  /** Empty for P224, like the three fields below it. */
  readonly privateKeyOpenssh: string;
  readonly publicKeyOpenssh: string;
  readonly publicKeyFingerprintMd5: string;
  readonly publicKeyFingerprintSha256: string;
  readonly publicKeyPem: string;
}

/** A new key in the forms that terraform-provider-tls's tls_private_key gives it. */
export function generateKey(options: KeyOptions): GeneratedKey {
  const key = newKey(options);
  const publicKey = createPublicKey(key);
  const blob = publicBlob(key);
  return {
    id: createHash("sha1")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("hex"),
    privateKeyPem: traditionalPem(key, options.algorithm),
    privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }) as string,
    privateKeyOpenssh: opensshPrivatePem(key) ?? "",
    publicKeyOpenssh: blob ? `${opensshType(blob)} ${blob.toString("base64")}\n` : "",
    publicKeyFingerprintMd5: blob ? md5Fingerprint(blob) : "",
    publicKeyFingerprintSha256: blob ? sha256Fingerprint(blob) : "",
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

function newKey({ algorithm, ecdsaCurve, rsaBits }: KeyOptions): KeyObject {
  switch (algorithm) {
    case "RSA":
      return generateKeyPairSync("rsa", { modulusLength: rsaBits }).privateKey;
    case "ECDSA":
      return generateKeyPairSync("ec", { namedCurve: CURVES[ecdsaCurve] }).privateKey;
    case "ED25519":
      return generateKeyPairSync("ed25519").privateKey;
  }
}

function traditionalPem(key: KeyObject, algorithm: KeyOptions["algorithm"]): string {
  // an Ed25519 key has no older form than PKCS#8
  const type = ({ RSA: "pkcs1", ECDSA: "sec1", ED25519: "pkcs8" } as const)[algorithm];
  return key.export({ type, format: "pem" }) as string;
}

function opensshType(blob: Buffer): string {
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
}
