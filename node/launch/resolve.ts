import { secretValueProblem } from "../environment-file.ts";
import { instanceRoleKeys, readAws } from "./aws.ts";
import type { AwsKeys } from "./aws-signature.ts";
import { ResolveFailure } from "./failure.ts";
import { DEADLINE_SECONDS, IDENTITY_VARIABLES } from "./plan.ts";
import type { AwsSecret, LaunchPlan, LaunchSecret, VaultSecret } from "./plan.ts";
import { VaultSession } from "./vault.ts";
import type { Read } from "./vault.ts";

/** A key of the shortest provider; what is shorter is a mistake. */
const SHORTEST_KEY = 16;

/** What one variable was given. */
export interface Resolved extends Read {
  readonly variable: string;
  readonly reference: string;
}

type Variables = Readonly<Record<string, string | undefined>>;
type Of<M> = LaunchSecret & M;

/**
 * Reads every secret of a plan, each reference once, with the node's own identity from `variables`. Nothing is written.
 * @throws {ResolveFailure} naming variable and reference; after at most `DEADLINE_SECONDS`.
 */
export async function resolvePlan(
  plan: LaunchPlan,
  variables: Variables,
  deadline = AbortSignal.timeout(DEADLINE_SECONDS * 1000),
): Promise<readonly Resolved[]> {
  const isVault = (secret: LaunchSecret): secret is Of<VaultSecret> => secret.manager === "vault";
  const isAws = (secret: LaunchSecret): secret is Of<AwsSecret> => secret.manager === "aws-sm";
  // in parallel, but settled: no request is left behind when one fails
  const parts = await Promise.allSettled([
    fromVault(plan, plan.secrets.filter(isVault), variables, deadline),
    fromAws(plan, plan.secrets.filter(isAws), variables, deadline),
  ]);
  const found = parts.flatMap((part) => {
    if (part.status === "rejected") throw part.reason;
    return part.value;
  });
  return plan.secrets.map(({ variable, reference }) => ({ ...readOf(found, reference), variable, reference }));
}

type Found = Read & { readonly reference: string };

function readOf(found: readonly Found[], reference: string): Read {
  const read = found.find((one) => one.reference === reference);
  if (read === undefined) throw new Error(`nobody read ${reference}`);
  return read;
}

async function fromVault(
  plan: LaunchPlan,
  secrets: readonly Of<VaultSecret>[],
  variables: Variables,
  deadline: AbortSignal,
): Promise<readonly Found[]> {
  const [first] = secrets;
  if (first === undefined) return [];
  const identity = plan.identity.vault;
  const secretId = variables[IDENTITY_VARIABLES.vaultSecretId];
  if (identity === undefined || secretId === undefined) throw noIdentity(first, "vault");
  const session = await named(first, () => VaultSession.open(identity, secretId, deadline));
  try {
    return await readAll(secrets, (secret) => session.read(secret));
  } finally {
    await session.close();
  }
}

async function fromAws(
  plan: LaunchPlan,
  secrets: readonly Of<AwsSecret>[],
  variables: Variables,
  deadline: AbortSignal,
): Promise<readonly Found[]> {
  const [first] = secrets;
  if (first === undefined) return [];
  const identity = plan.identity.aws;
  if (identity === undefined) throw noIdentity(first, "aws");
  const keys = await named(first, () =>
    identity.accessKeyId === null ? instanceRoleKeys(deadline) : ownKeys(first, identity.accessKeyId, variables),
  );
  return await readAll(secrets, (secret) => readAws(identity, keys, secret, deadline));
}

async function ownKeys(secret: LaunchSecret, accessKeyId: string, variables: Variables): Promise<AwsKeys> {
  const secretAccessKey = variables[IDENTITY_VARIABLES.awsSecretAccessKey];
  if (secretAccessKey === undefined) throw noIdentity(secret, "aws");
  return { accessKeyId, secretAccessKey };
}

async function readAll<S extends LaunchSecret>(
  secrets: readonly S[],
  read: (secret: S) => Promise<Read>,
): Promise<readonly Found[]> {
  const once = [...new Map(secrets.map((secret) => [secret.reference, secret])).values()];
  const settled = await Promise.allSettled(
    once.map((secret) => named(secret, async () => ({ ...usable(await read(secret)), reference: secret.reference }))),
  );
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

/** A manager's text field usually ends with a newline that is no part of the key. */
function usable({ value: text, version }: Read): Read {
  const value = text.replace(/\r?\n$/, "");
  const problem =
    secretValueProblem(value) ??
    (value.length < SHORTEST_KEY ? `has ${value.length} characters, too few for a key` : undefined);
  if (problem === undefined) return { value, version };
  throw new ResolveFailure("needs a person", `the value ${problem}`, "store the key itself there, and nothing else");
}

/** Puts variable and reference in front of whatever a manager's module has to say. */
async function named<T>({ variable, reference }: LaunchSecret, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ResolveFailure)) throw error;
    throw new ResolveFailure(
      error.outlook,
      `cannot resolve ${reference} for ${variable}: ${error.message}`,
      error.fix,
      {
        cause: error,
      },
    );
  }
}

function noIdentity({ variable, reference }: LaunchSecret, manager: string): ResolveFailure {
  return new ResolveFailure(
    "needs a person",
    `cannot resolve ${reference} for ${variable}: this node has no ${manager} identity`,
    `set nodeIdentity.${manager} of the gateway in the spec and apply it`,
  );
}
