import type { Layer } from "../node/protocol.ts";

/** One thing that went wrong. No field ever holds a secret. */
export interface Failure {
  /** Stable, for programs: `unreachable`, `host-key`, `integrity`, … */
  readonly code: string;
  readonly message: string;
  /** What the operator can do. */
  readonly fix: string;
  /** Name of the resource, or `node/gateway` where it is known. */
  readonly resource?: string;
  /** Only for what a node reported itself. */
  readonly layer?: Layer;
}

/** A run that failed; nodes run in parallel, so that there may be several causes. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  /** Code and fix of the first failure. */
  readonly code: string;
  readonly fix: string;
  readonly failures: readonly Failure[];

  constructor(failures: readonly [Failure, ...Failure[]], options?: ErrorOptions) {
    super(failures.map(headline).join("\n"), options);
    this.failures = failures;
    this.code = failures[0].code;
    this.fix = failures[0].fix;
  }

  /** For the common case of one cause. */
  static of(code: string, message: string, fix: string, options?: ErrorOptions): OperationError {
    return new OperationError([{ code, message, fix }], options);
  }
}

/** `RESOURCE: message [layer/code]` and the fix on a line of its own, as a node prints it. */
export function describeFailure(failure: Failure): string {
  return `${headline(failure)}\n  fix: ${failure.fix.replaceAll("\n", "\n       ")}`;
}

function headline({ resource, layer, code, message }: Failure): string {
  const where = resource === undefined ? "" : `${resource}: `;
  return `${where}${message} [${layer === undefined ? code : `${layer}/${code}`}]`;
}
