import * as pulumi from "@pulumi/pulumi";
import type { LedgerEntry } from "./ledger.ts";

/** A credential that should have been rotated before now, as policies see it; no value. */
export interface OverdueCredential {
  /** `gateway token`, or `AGENT/PROVIDER` as in `providerFingerprints`. */
  readonly credential: string;
  /** RFC 3339. */
  readonly due: string;
  /** What an update has to change to rotate it: the fingerprint that serves, or the reference that the node reads. */
  readonly mark: string;
}

/**
 * The ledger that the last update of this very stack left, by a reference of the stack to itself. Empty before the first
 * update; undefined for a stack that has outputs and no ledger among them. Resolves when it was read: register nothing else
 * before, since the engine writes the same file when it begins another resource, and a read beside that finds half of it
 * (`failed to load checkpoint: EOF`, measured with a file backend).
 */
export async function lastLedger(): Promise<pulumi.Output<unknown>> {
  const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const reference = new pulumi.StackReference("last-update", { name: stack });
  await reference.getOutputDetails("ledger");
  return pulumi
    .all([reference.getOutput("ledger"), reference.getOutput("nodes")])
    .apply(([ledger, nodes]: unknown[]) => ledger ?? (nodes === undefined ? [] : undefined));
}

/**
 * What of one gateway is overdue. Only that: dates in a component's inputs would show a change after every rotation.
 * @returns undefined where there is no ledger to read.
 */
export function overdueOf(
  ledger: unknown,
  { node, gateway }: { readonly node: string; readonly gateway: string },
  now: Date,
): OverdueCredential[] | undefined {
  if (!Array.isArray(ledger)) return undefined;
  return (ledger as LedgerEntry[]).flatMap((entry) => {
    if (entry.node !== node || entry.gateway !== gateway || entry.due === null) return [];
    if (entry.track !== "gateway" && entry.track !== "provider") return [];
    if (Date.parse(entry.due) > now.getTime()) return [];
    const credential =
      entry.track === "gateway"
        ? "gateway token"
        : `${entry.principal.slice(gateway.length + 1)}/${entry.provider ?? ""}`;
    return [{ credential, due: entry.due, mark: entry.fingerprint ?? entry.ref ?? "" }];
  });
}
