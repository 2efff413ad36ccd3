import { member } from "../lib/member.ts";
import { signedHeaders } from "./aws-signature.ts";
import type { AwsKeys } from "./aws-signature.ts";
import { ResolveFailure } from "./failure.ts";
import { ask } from "./http.ts";
import type { Answer } from "./http.ts";
import type { AwsSecret, LaunchIdentity } from "./plan.ts";
import type { Read } from "./vault.ts";

type Identity = NonNullable<LaunchIdentity["aws"]>;

const METADATA_ORIGIN = "http://169.254.169.254";

/** Errors that come back although nothing is wrong with the request; the service sends them with status 400. */
const PASSING = /Throttling|TooManyRequests|RequestLimitExceeded|InternalServiceError|ServiceUnavailable/;

/**
 * The keys of the instance's role, by the metadata service's version 2 protocol.
 * @throws {ResolveFailure} when the machine has no role or no metadata service.
 */
export async function instanceRoleKeys(deadline: AbortSignal, origin = METADATA_ORIGIN): Promise<AwsKeys> {
  const service = "the instance metadata service";
  const noRole = (): ResolveFailure =>
    new ResolveFailure(
      "needs a person",
      "this machine has no AWS instance role",
      "attach a role to the instance, or use keys in nodeIdentity.aws",
    );
  const session = await ask(
    service,
    new URL("/latest/api/token", origin),
    { method: "PUT", headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" } },
    deadline,
  );
  if (session.status !== 200) throw noRole();
  const get = { method: "GET", headers: { "x-aws-ec2-metadata-token": session.text } } as const;
  const roles = new URL("/latest/meta-data/iam/security-credentials/", origin);
  const role = await ask(service, roles, get, deadline);
  if (role.status !== 200 || role.text === "") throw noRole();
  const { json } = await ask(service, new URL(encodeURIComponent(role.text.trim()), roles), get, deadline);
  const [accessKeyId, secretAccessKey, sessionToken] = ["AccessKeyId", "SecretAccessKey", "Token"].map((name) =>
    member(json, name),
  );
  if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string" || typeof sessionToken !== "string") {
    throw noRole();
  }
  return { accessKeyId, secretAccessKey, sessionToken };
}

/**
 * Reads one secret with the keys of the node.
 * @throws {ResolveFailure} not found, denied, no text, no answer.
 */
export async function readAws(
  identity: Identity,
  keys: AwsKeys,
  secret: AwsSecret,
  deadline: AbortSignal,
): Promise<Read> {
  const { region, endpoint } = identity;
  const url = new URL(
    "/",
    endpoint ?? `https://secretsmanager.${region}.${region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"}`,
  );
  const body = JSON.stringify({
    SecretId: secret.id,
    ...(secret.stage === undefined ? {} : { VersionStage: secret.stage }),
    ...(secret.version === undefined ? {} : { VersionId: secret.version }),
  });
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "secretsmanager.GetSecretValue",
  };
  const signed = signedHeaders(keys, { url, region, service: "secretsmanager", headers, body, now: new Date() });
  const answer = await ask("AWS Secrets Manager", url, { method: "POST", headers: signed, body }, deadline, passing);
  if (answer.status !== 200) throw refusal(answer);
  return valueOf(answer, secret);
}

function valueOf({ json }: Answer, { jsonKey }: AwsSecret): Read {
  const text = member(json, "SecretString");
  const version = member(json, "VersionId");
  if (typeof text !== "string") {
    throw new ResolveFailure("needs a person", "the secret is no text", "store it as SecretString");
  }
  const value = jsonKey === undefined ? text : memberOfText(text, jsonKey);
  return { value, version: typeof version === "string" ? version : null };
}

function memberOfText(text: string, key: string): string {
  let fields: unknown;
  try {
    fields = JSON.parse(text) as unknown;
  } catch {
    throw new ResolveFailure(
      "needs a person",
      "the secret is no JSON object",
      "take the part after '#' away, or store JSON",
    );
  }
  const value =
    typeof fields === "object" && fields !== null && Object.hasOwn(fields, key) ? member(fields, key) : undefined;
  if (typeof value === "string") return value;
  throw new ResolveFailure(
    "needs a person",
    value === undefined ? `not found: the secret has no key '${key}'` : `the key '${key}' is no text`,
    "check the part after '#'",
  );
}

function errorName({ status, json }: Answer): string {
  const type = member(json, "__type");
  const name = typeof type === "string" ? (type.split("#").at(-1) ?? "") : `HTTP ${status}`;
  return /^[A-Za-z0-9 ]{1,60}$/.test(name) ? name : "unknown error";
}

function passing(answer: Answer): string | undefined {
  const name = errorName(answer);
  return answer.status !== 200 && PASSING.test(name) ? name : undefined;
}

function refusal(answer: Answer): ResolveFailure {
  const name = errorName(answer);
  if (name === "ResourceNotFoundException") {
    return new ResolveFailure("needs a person", "not found", "check name, region, stage and version of the reference");
  }
  return new ResolveFailure(
    "needs a person",
    `denied or unusable (${name})`,
    "check that the node's AWS identity is valid and may do secretsmanager:GetSecretValue, and kms:Decrypt where the secret has a key of its own",
  );
}
