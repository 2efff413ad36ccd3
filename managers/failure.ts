/**
 * What kind of failure it is:
 * `not signed in`, `not found`, `denied`, `no answer` (unreachable or too slow), `tool missing`, `unusable` (found, but no
 * text that could be a key) and `unknown`.
 */
export type FailureKind =
  "not signed in" | "not found" | "denied" | "no answer" | "tool missing" | "unusable" | "unknown";

/** Why a secret manager gave no value. Neither text ever holds one. */
export class ReadFailure extends Error {
  override readonly name = "ReadFailure";
  readonly kind: FailureKind;
  /** What the operator can do. */
  readonly fix: string;

  constructor(kind: FailureKind, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.fix = fix;
  }
}

/** What a manager gave. */
export interface Reading {
  readonly value: string;
  /** As the manager names it; null where it has no versions or does not tell. */
  readonly version: string | null;
}

/** What every reader gets. */
export interface ReadContext {
  /** Variables of the operator's process; a reader takes the ones of its own manager only. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the attempt: the whole time that one reference may take. */
  readonly deadline: AbortSignal;
  /** Seconds that the deadline gives. */
  readonly seconds: number;
}
