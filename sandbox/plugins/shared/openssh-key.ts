import { createHash, type JsonWebKey, type KeyObject, createPublicKey, randomBytes } from "node:crypto";

const CURVES: Readonly<Record<string, string>> = { "P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521" };
const CIPHER_BLOCK = 8;
const PEM_COLUMNS = 64;

/** Public half in the form of an authorized_keys entry's second field, undefined for a key OpenSSH has no form for. */
export function publicBlob(privateKey: KeyObject): Buffer | undefined {
  const parts = keyParts(privateKey);
  return parts && Buffer.concat([text(parts.type), ...parts.publicFields]);
}

/** `openssh-key-v1` PEM without a passphrase (PROTOCOL.key of OpenSSH), undefined for a key it has no form for. */
export function opensshPrivatePem(privateKey: KeyObject, comment = ""): string | undefined {
  const parts = keyParts(privateKey);
  const blob = publicBlob(privateKey);
  if (!parts || !blob) return undefined;
  const check = randomBytes(4);
  const fields = Buffer.concat([check, check, text(parts.type), ...parts.privateFields, text(comment)]);
  const padding = Buffer.from(
    Array.from({ length: (CIPHER_BLOCK - (fields.length % CIPHER_BLOCK)) % CIPHER_BLOCK }, (_, index) => index + 1),
  );
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    uint32(1),
    bytes(blob),
    bytes(Buffer.concat([fields, padding])),
  ]);
  const lines = body.toString("base64").match(new RegExp(`.{1,${PEM_COLUMNS}}`, "g")) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

/** Algorithm name that a public blob starts with, undefined when it is not one. */
export function blobType(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  return blob.length >= 4 + length ? blob.toString("latin1", 4, 4 + length) : undefined;
}

/** `SHA256:…` as ssh-keygen prints it. */
export function sha256Fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** `aa:bb:…`, the form before OpenSSH 6.8. */
export function md5Fingerprint(blob: Buffer): string {
  return (createHash("md5").update(blob).digest("hex").match(/../g) ?? []).join(":");
}

interface KeyParts {
  readonly type: string;
  readonly publicFields: readonly Buffer[];
  readonly privateFields: readonly Buffer[];
}

function keyParts(key: KeyObject): KeyParts | undefined {
  switch (key.asymmetricKeyType) {
    case "rsa": {
      const jwk = key.export({ format: "jwk" });
      const [n, e, d, iqmp, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map((field) => mpint(decode(field)));
      if (!n || !e || !d || !iqmp || !p || !q) return undefined;
      return { type: "ssh-rsa", publicFields: [e, n], privateFields: [n, e, d, iqmp, p, q] };
    }
    case "ed25519": {
      const jwk = key.export({ format: "jwk" });
      const point = decode(jwk.x);
      const pair = Buffer.concat([decode(jwk.d), point]);
      return { type: "ssh-ed25519", publicFields: [bytes(point)], privateFields: [bytes(point), bytes(pair)] };
    }
    case "ec":
      return ecParts(key);
    default:
      return undefined;
  }
}

function ecParts(key: KeyObject): KeyParts | undefined {
  // P-224 has neither a JWK nor an OpenSSH form
  if (createPublicKey(key).asymmetricKeyDetails?.namedCurve === "secp224r1") return undefined;
  const jwk: JsonWebKey = key.export({ format: "jwk" });
  const curve = CURVES[jwk.crv ?? ""];
  if (curve === undefined) return undefined;
  const point = Buffer.concat([Buffer.from([4]), decode(jwk.x), decode(jwk.y)]);
  const publicFields = [text(curve), bytes(point)];
  return {
    type: `ecdsa-sha2-${curve}`,
    publicFields,
    privateFields: [...publicFields, mpint(decode(jwk.d))],
  };
}

function decode(field: string | undefined): Buffer {
  return Buffer.from(field ?? "", "base64url");
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([uint32(value.length), value]);
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value));
}

/** Positive number: no leading zeros, one if the top bit would read as a sign. */
function mpint(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start += 1;
  const number = value.subarray(start);
  return bytes((number[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number);
}
