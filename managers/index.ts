import pLimit from "p-limit";
import type { ManagerRef, OperatorRef, SecretRef } from "../spec/index.ts";
import { readAwsSecret } from "./aws.ts";
import { readAzure } from "./az.ts";
import { ReadFailure, type ReadContext, type Reading } from "./failure.ts";
import { readGcp } from "./gcloud.ts";
import { readKeychain } from "./keychain.ts";
import { readOp } from "./op.ts";
import { readPass } from "./pass.ts";
import { readSops } from "./sops.ts";
import { readVault } from "./vault.ts";

export { ReadFailure, type FailureKind, type Reading } from "./failure.ts";

/** A reference that leads to a secret manager. */
export type ManagedRef = ManagerRef | OperatorRef;

/** Each command line is a process of its own, some of them large. */
const AT_ONCE = 6;
/** `gcloud` alone takes 31 s to say that it is offline (measured); this ends it before. */
const SECONDS = 30;

export function isManaged(ref: SecretRef): ref is ManagedRef {
  return ref.scheme !== "pulumi" && ref.scheme !== "env" && ref.scheme !== "file";
}

function read(ref: ManagedRef, context: ReadContext): Promise<Reading> {
  switch (ref.scheme) {
    case "op":
      return readOp(ref, context);
    case "vault":
      return readVault(ref, context);
    case "aws-sm":
      return readAwsSecret(ref, context);
    case "gcp-sm":
      return readGcp(ref, context);
    case "azure-kv":
      return readAzure(ref, context);
    case "sops":
      return readSops(ref, context);
    case "pass":
      return readPass(ref, context);
    case "keychain":
      return readKeychain(ref, context);
  }
}

export interface ReadOptions {
  /** Variables of the operator's process; default: this one's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Seconds that one reference may take; default 30. */
  readonly seconds?: number;
}

/**
 * Reads secrets on the operator's machine, each with its vendor's own login, side by side; nothing is ever asked for.
 * @param refs By a key of the caller's; one that is there twice is read once.
 * @returns For each key what was read, or why it was not.
 */
export async function readManagers(
  refs: ReadonlyMap<string, ManagedRef>,
  { env = process.env, seconds = SECONDS }: ReadOptions = {},
): Promise<ReadonlyMap<string, Reading | ReadFailure>> {
  const limit = pLimit(AT_ONCE);
  const found = [...refs].map(([key, ref]) =>
    limit(async (): Promise<readonly [string, Reading | ReadFailure]> => {
      const context = { env, seconds, deadline: AbortSignal.timeout(seconds * 1000) };
      // the race is for what a login may do before the first request, such as a `credential_process` that hangs
      const late = new Promise<never>((_, reject) => {
        context.deadline.addEventListener("abort", () => {
          reject(new ReadFailure("no answer", `no answer within ${seconds} s`, "run the same command again"));
        });
      });
      const reading = await Promise.race([read(ref, context), late]).catch((error: unknown) => {
        if (error instanceof ReadFailure) return error;
        throw error;
      });
      return [key, reading];
    }),
  );
  return new Map(await Promise.all(found));
}
