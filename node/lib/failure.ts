import { EXIT } from "../protocol.ts";
import type { Layer, PhaseError } from "../protocol.ts";

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

export interface FailureDetails extends PhaseError {
  /** Exit status of the whole program; default `EXIT.software`. */
  readonly exit?: ExitStatus;
  readonly cause?: unknown;
}

/** The only error a phase may end with: says which layer failed, why, and what to do. `message` and `fix` never hold a secret. */
export class PhaseFailure extends Error {
  override readonly name = "PhaseFailure";
  readonly layer: Layer;
  readonly code: string;
  readonly fix: string;
  readonly exit: ExitStatus;

  constructor(details: FailureDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.layer = details.layer;
    this.code = details.code;
    this.fix = details.fix;
    this.exit = details.exit ?? EXIT.software;
  }

  toPhaseError(): PhaseError {
    return { layer: this.layer, code: this.code, message: this.message, fix: this.fix };
  }
}

/** The errno name (`ENOSPC`) of a system error, else undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : undefined;
}

const DISK_FULL = new Set(["ENOSPC", "EDQUOT"]);
const REFUSED_BY_OS = new Set(["EACCES", "EPERM", "EROFS"]);

/** Turns whatever was thrown into a `PhaseFailure`; system errors keep their path and errno, nothing else of the cause is shown. */
export function toPhaseFailure(error: unknown): PhaseFailure {
  if (error instanceof PhaseFailure) return error;
  const errno = errnoOf(error);
  const path = errno === undefined ? undefined : (error as NodeJS.ErrnoException).path;
  const at = path === undefined ? "" : ` at ${path}`;
  if (errno !== undefined && DISK_FULL.has(errno)) {
    return new PhaseFailure({
      layer: "config or disk",
      code: "disk-full",
      message: `the file system is full or the quota is used up (${errno})${at}; nothing that was live has changed`,
      fix: "free space on that file system (`df -h`, `du -xh --max-depth=2 /`), then run the same command again",
      exit: EXIT.os,
      cause: error,
    });
  }
  if (errno !== undefined && REFUSED_BY_OS.has(errno)) {
    return new PhaseFailure({
      layer: "config or disk",
      code: "not-permitted",
      message: `the operating system refused access (${errno})${at}`,
      fix: "check owner, mode and mount options (read-only, immutable flag) of that path, then run the same command again",
      exit: EXIT.os,
      cause: error,
    });
  }
  if (errno !== undefined) {
    return new PhaseFailure({
      layer: "config or disk",
      code: "system-error",
      message: `a system call failed (${errno})${at}`,
      fix: "look at that path on the node, then run the same command again",
      exit: EXIT.os,
      cause: error,
    });
  }
  return new PhaseFailure({
    layer: "runtime",
    code: "internal",
    message: `unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : "error"}`,
    fix: "this is a defect of gatehouse: report it with the phase's progress lines",
    cause: error,
  });
}
