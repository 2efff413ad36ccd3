import { member } from "../node/lib/member.ts";
import type { ManagerRef } from "../spec/index.ts";
import { fixFor, textOf } from "./command.ts";
import { ReadFailure, type FailureKind, type ReadContext, type Reading } from "./failure.ts";

type AwsRef = Extract<ManagerRef, { readonly scheme: "aws-sm" }>;

const AWS = {
  name: "AWS Secrets Manager",
  login: "`aws sso login`, AWS_PROFILE, or keys in the environment; AWS_REGION names the region",
};

/** Names of the SDK's and the service's errors (measured with SDK 3.1163 and moto 5.2.5; facts: secret-managers.md 2.2). */
const KINDS: readonly (readonly [RegExp, FailureKind])[] = [
  [
    /^(?:CredentialsProviderError|UnrecognizedClientException|ExpiredToken\w*|InvalidSignatureException)$/,
    "not signed in",
  ],
  [/^(?:ResourceNotFoundException|InvalidRequestException)$/, "not found"],
  [/^(?:AccessDenied\w*|DecryptionFailure)$/, "denied"],
  [/^(?:TimeoutError|AbortError|Throttling\w*|InternalServiceError|ServiceUnavailable\w*)$/, "no answer"],
  [/^E[A-Z]+$/, "no answer"],
];

function failureOf(error: unknown): ReadFailure {
  if (error instanceof ReadFailure) return error;
  const name = member(error, "code") ?? member(error, "name");
  const word = typeof name === "string" && /^\w{1,60}$/.test(name) ? name : "unknown error";
  if (error instanceof Error && error.message === "Region is missing") {
    return new ReadFailure("not signed in", "no AWS region is set", "set AWS_REGION, or `region` in your AWS profile");
  }
  const [, kind] = KINDS.find(([pattern]) => pattern.test(word)) ?? [undefined, "unknown" as const];
  return new ReadFailure(kind, `${kind === "unknown" ? "failed" : kind} (${AWS.name}, ${word})`, fixFor(kind, AWS));
}

/** The region of an ARN, which wins over the one that the operator's profile names. */
function regionOf(id: string): string | undefined {
  return /^arn:[\w-]+:secretsmanager:([a-z0-9-]+):/.exec(id)?.[1];
}

function memberOf(text: string, key: string): string {
  let fields: unknown;
  try {
    fields = JSON.parse(text) as unknown;
  } catch {
    throw new ReadFailure("unusable", "the secret is no JSON object", "take the part after '#' away, or store JSON");
  }
  const value =
    typeof fields === "object" && fields !== null && Object.hasOwn(fields, key) ? member(fields, key) : undefined;
  if (value === undefined) {
    throw new ReadFailure("not found", `not found: the secret has no key '${key}'`, "check the part after '#'");
  }
  return textOf(AWS, value);
}

/** Reads a secret with the vendor's SDK and whatever login it finds: profile, SSO, role, environment. */
export async function readAwsSecret(ref: AwsRef, { deadline, seconds }: ReadContext): Promise<Reading> {
  // only fleets that name such a secret pay for loading it
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const region = regionOf(ref.id);
  const client = new SecretsManagerClient({
    ...(region === undefined ? {} : { region }),
    maxAttempts: 2,
    // without the last one a request that takes too long is only warned about (measured)
    requestHandler: { connectionTimeout: 5000, requestTimeout: seconds * 1000, throwOnRequestTimeout: true },
  });
  try {
    const answer = await client.send(
      new GetSecretValueCommand({
        SecretId: ref.id,
        ...(ref.stage === undefined ? {} : { VersionStage: ref.stage }),
        ...(ref.version === undefined ? {} : { VersionId: ref.version }),
      }),
      { abortSignal: deadline },
    );
    const text = textOf(AWS, answer.SecretString);
    return {
      value: ref.jsonKey === undefined ? text : memberOf(text, ref.jsonKey),
      version: answer.VersionId ?? null,
    };
  } catch (error) {
    throw failureOf(error);
  } finally {
    client.destroy();
  }
}
