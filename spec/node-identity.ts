import { z } from "zod";
import { secretRefSchema } from "./secret-ref.ts";

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Origin of a secret manager: https, or http on the node's own loopback. */
const originSchema = z
  .url({ protocol: /^https?$/ })
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, {
    message: "expected scheme, host and port only, for example https://vault.example.net:8200",
  })
  .refine(
    (text) => !URL.canParse(text) || new URL(text).protocol === "https:" || LOOPBACK.has(new URL(text).hostname),
    { message: "expected https: keys would travel in clear (http is for the node's own loopback only)" },
  );

/** HashiCorp Vault or OpenBao, by AppRole. */
export const vaultIdentitySchema = z.strictObject({
  /** Where the node reaches Vault: `https://vault.example.net:8200`. */
  address: originSchema,
  /** Vault namespace, where there are some. */
  namespace: z
    .string()
    .regex(/^[\w./-]{1,200}$/)
    .optional(),
  /** Mount of the AppRole method. */
  authMount: z
    .string()
    .regex(/^[\w.-]{1,100}(?:\/[\w.-]{1,100})*$/)
    .default("approle"),
  /** Role that may read this gateway's keys and nothing else. */
  roleId: z.string().regex(/^[\w.-]{1,200}$/),
  /** Its secret id, by reference; read at deploy, kept on the node as 0600. */
  secretId: secretRefSchema,
});

/** AWS Secrets Manager. */
export const awsIdentitySchema = z.strictObject({
  /** As in `eu-central-1`. */
  region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, "expected an AWS region, for example eu-central-1"),
  /** In place of the region's own address: a VPC endpoint or a test server. */
  endpoint: originSchema.optional(),
  /** `instance-role` on EC2, else an access key that may do `secretsmanager:GetSecretValue` on these secrets only. */
  credentials: z.union([
    z.literal("instance-role"),
    z.strictObject({
      accessKeyId: z.string().regex(/^[A-Z0-9]{16,128}$/, "expected an access key id: capital letters and digits"),
      /** By reference; read at deploy, kept on the node as 0600. */
      secretAccessKey: secretRefSchema,
    }),
  ]),
});

/** What the node shows to secret managers about itself, for credentials with `resolve: node`. */
export const nodeIdentitySchema = z.strictObject({
  /** For `vault://` references. */
  vault: vaultIdentitySchema.optional(),
  /** For `aws-sm://` references. */
  aws: awsIdentitySchema.optional(),
});
export type NodeIdentitySpec = z.output<typeof nodeIdentitySchema>;

/** Every reference in an identity, by the field below `nodeIdentity` that holds it. */
export function identityRefs(
  identity: NodeIdentitySpec | undefined,
): readonly { readonly field: string; readonly ref: string }[] {
  const keys = identity?.aws?.credentials;
  return [
    ...(identity?.vault === undefined ? [] : [{ field: "vault.secretId", ref: identity.vault.secretId }]),
    ...(keys === undefined || keys === "instance-role"
      ? []
      : [{ field: "aws.credentials.secretAccessKey", ref: keys.secretAccessKey }]),
  ];
}
