import { z } from "zod";
import { secretRefSchema } from "./secret-ref.ts";

/**
 * A host key in `authorized_keys` form. Only ed25519 and ECDSA: the command provider offers exactly the pinned key's
 * type, and for an RSA pin that is SHA-1 `ssh-rsa`, which current OpenSSH refuses (pulumi-command 1.2.1, connection.go).
 */
export const hostKeySchema = keySchema(
  "expected an ed25519 or ecdsa public host key, as `ssh-keyscan -t ed25519 HOST` prints it without the host name",
);

/** The public key of somebody who logs in, as in `~/.ssh/id_ed25519.pub`. */
export const publicKeySchema = keySchema(
  "expected an ed25519 or ecdsa public key, as `ssh-keygen -t ed25519` writes it into the .pub file",
);

function keySchema(expected: string) {
  return (
    z
      .string()
      .regex(/^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,2}( [^\n]*)?$/, {
        error: expected,
        abort: true,
      })
      .refine(isWholeKey, { message: "is not a whole public key of the type it names; copy the line again" })
      // the comment is no part of the key; the provider compares bytes
      .transform((key) => key.split(" ").slice(0, 2).join(" "))
  );
}

/** RFC 4253 6.6: length-prefixed fields that fill the blob exactly, the first of which is the type. */
function isWholeKey(line: string): boolean {
  const [type = "", encoded = ""] = line.split(" ");
  const blob = Buffer.from(encoded, "base64");
  const fields: Buffer[] = [];
  let offset = 0;
  while (offset + 4 <= blob.length) {
    const end = offset + 4 + blob.readUInt32BE(offset);
    fields.push(blob.subarray(offset + 4, end));
    offset = end;
  }
  return offset === blob.length && fields.length === (type === "ssh-ed25519" ? 2 : 3) && String(fields[0]) === type;
}

const endpoint = {
  /** DNS name or address. */
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9._:%-]+$/, "expected a DNS name or an IP address"),
  /** TCP port of sshd. */
  port: z.int().min(1).max(65535).default(22),
  /** Login that may use `sudo -n`, or root. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, "expected a POSIX user name")
    .default("root"),
  /** The server's pinned public key. */
  hostKey: hostKeySchema,
  /** Private key by reference; without it the operator's SSH agent (`SSH_AUTH_SOCK`) signs. */
  privateKey: secretRefSchema.optional(),
};

export const connectionSchema = z.strictObject({
  ...endpoint,
  /** One jump host, with a pinned host key of its own. */
  jump: z.strictObject(endpoint).optional(),
});

export type ConnectionSpec = z.output<typeof connectionSchema>;
