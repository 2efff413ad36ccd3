import {
  absolutePath,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  textLike,
  textOrNull,
  variableName,
} from "../lib/shape.ts";
import type { Shape } from "../lib/shape.ts";

/** A key of a Vault KV store. */
export interface VaultSecret {
  readonly manager: "vault";
  readonly mount: string;
  readonly path: string;
  readonly field: string;
  /** Version of a KV v2 secret; default: the newest. */
  readonly version?: number;
  /** Version of the store; default: asked of Vault. */
  readonly kv?: 1 | 2;
}

/** A secret of AWS Secrets Manager. */
export interface AwsSecret {
  readonly manager: "aws-sm";
  /** Name or ARN. */
  readonly id: string;
  /** Key of a secret that is a JSON object; default: the whole text. */
  readonly jsonKey?: string;
  readonly stage?: string;
  readonly version?: string;
}

/** One variable that the launcher fills in. `reference` is what people are shown. */
export type LaunchSecret = { readonly variable: string; readonly reference: string } & (VaultSecret | AwsSecret);

/** What the node shows to the managers about itself; the secret parts are variables of the unit's EnvironmentFile. */
export interface LaunchIdentity {
  readonly vault?: {
    /** Origin, `https://vault.example.net:8200`. */
    readonly address: string;
    readonly namespace?: string;
    /** Mount of the AppRole method. */
    readonly authMount: string;
    readonly roleId: string;
  };
  readonly aws?: {
    readonly region: string;
    /** Default: the region's own. */
    readonly endpoint?: string;
    /** Goes with the secret key of the environment file; null: the instance's role, from the metadata service. */
    readonly accessKeyId: string | null;
  };
}

/** Everything the launcher needs to know; holds references, no secret. */
export interface LaunchPlan {
  readonly identity: LaunchIdentity;
  readonly secrets: readonly LaunchSecret[];
  /** Where the launcher notes which versions it gave to the process that it became. */
  readonly recordPath: string;
}

/** Variables of the EnvironmentFile that only the launcher sees: it takes them out before it becomes the gateway. */
export const IDENTITY_VARIABLES = {
  vaultSecretId: "GATEHOUSE_VAULT_SECRET_ID",
  awsSecretAccessKey: "GATEHOUSE_AWS_SECRET_ACCESS_KEY",
} as const;

/** Seconds that a start, or a check before one, waits for the managers in all. */
export const DEADLINE_SECONDS = 20;

const common = { variable: variableName, reference: text };

const vaultSecret = object<LaunchSecret & VaultSecret>({
  ...common,
  manager: oneOf("vault"),
  mount: text,
  path: text,
  field: text,
  version: optional(integer(1, Number.MAX_SAFE_INTEGER)),
  kv: optional((value, path) => (integer(1, 2)(value, path) === 1 ? 1 : 2)),
});

const awsSecret = object<LaunchSecret & AwsSecret>({
  ...common,
  manager: oneOf("aws-sm"),
  id: text,
  jsonKey: optional(text),
  stage: optional(text),
  version: optional(text),
});

const launchSecret: Shape<LaunchSecret> = (value, path) =>
  typeof value === "object" && value !== null && "manager" in value && value.manager === "aws-sm"
    ? awsSecret(value, path)
    : vaultSecret(value, path);

const origin = textLike(/^https?:\/\/[^/?#@\s]+$/, "an http(s) origin");

/** Checks a plan; the failure names the field. */
export const launchPlan = object<LaunchPlan>({
  identity: object<LaunchIdentity>({
    vault: optional(
      object<NonNullable<LaunchIdentity["vault"]>>({
        address: origin,
        namespace: optional(text),
        authMount: text,
        roleId: text,
      }),
    ),
    aws: optional(
      object<NonNullable<LaunchIdentity["aws"]>>({
        region: textLike(/^[a-z0-9-]{4,32}$/, "an AWS region"),
        endpoint: optional(origin),
        accessKeyId: textOrNull,
      }),
    ),
  }),
  secrets: list(launchSecret),
  recordPath: absolutePath,
});
