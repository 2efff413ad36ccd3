import Table from "cli-table3";
import type { LedgerLine } from "./outputs.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** `unknown`: the node never confirmed it, so nobody can say how old it is. */
export type Age = "current" | "due" | "overdue" | "unknown";

export interface DatedCredential extends LedgerLine {
  readonly age: Age;
  /** Whole days until it is due; negative when overdue; null when unknown. */
  readonly daysLeft: number | null;
}

/** The ledger with its ages. `dueWithin`: days before the due date from which a credential counts as due. */
export function dated(ledger: readonly LedgerLine[], now: Date, dueWithin: number): DatedCredential[] {
  return ledger.map((line) => {
    if (line.due === null) return { ...line, age: "unknown", daysLeft: null };
    const daysLeft = Math.floor((Date.parse(line.due) - now.getTime()) / DAY_MS);
    return { ...line, age: daysLeft < 0 ? "overdue" : daysLeft < dueWithin ? "due" : "current", daysLeft };
  });
}

const day = (date: string | null): string => date?.slice(0, 10) ?? "?";

function valueOf({ track, fingerprint, masked, version }: DatedCredential): string {
  // 95 characters; the whole of it is in --json
  if (track === "certificate" && fingerprint !== null) return `${fingerprint.slice(0, 11)}…${fingerprint.slice(-11)}`;
  if (fingerprint !== null) return masked === null ? fingerprint : `${masked}\n${fingerprint}`;
  return `read by the node${version === null ? "" : `\nversion ${version}`}`;
}

/** What stands in the place of a reference where the stack made the value itself. */
const MADE = {
  gateway: "(generated)",
  provider: "(generated)",
  access: "SSH key",
  certificate: "HTTPS certificate",
} as const;

/** A table for people, the next to rotate first; no secret. */
export function credentialsText(credentials: readonly DatedCredential[]): string {
  if (credentials.length === 0) return "there are no credentials in this stack";
  const table = new Table({
    head: ["track", "principal", "environment", "provider", "reference", "value", "issued", "rotated", "due", "age"],
    style: { head: [], border: [] },
  });
  const order = (line: DatedCredential): number => line.daysLeft ?? Number.NEGATIVE_INFINITY;
  for (const line of [...credentials].sort((left, right) => order(left) - order(right))) {
    table.push([
      line.track,
      line.principal,
      line.environment,
      line.provider ?? "",
      line.ref ?? MADE[line.track],
      valueOf(line),
      day(line.issued),
      day(line.rotated),
      day(line.due),
      line.age,
    ]);
  }
  return table.toString();
}
