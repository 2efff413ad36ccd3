import type { CredentialChange, RollbackPoint, RollbackPoints } from "../../node/rollback/point.ts";
import { OperationError } from "../error.ts";

/** What an operator asks for. */
export interface RollbackRequest {
  readonly gateway: string;
  /** A generation; undefined: the one that was live before. */
  readonly to: string | undefined;
  /** Whether OpenClaw's state may be the one that its older version left. */
  readonly state: "keep" | "restore snapshot";
  /** Why the gateway token and provider keys may change together; undefined: they may not. */
  readonly together: string | undefined;
}

export interface RollbackPlan {
  readonly from: string;
  readonly to: RollbackPoint;
}

function refused(message: string, fix: string): OperationError {
  return OperationError.of("rollback", message, fix);
}

/** `gateway token`, or `AGENT, PROVIDER`. */
export function credentialText({ track, agent, provider }: CredentialChange): string {
  return track === "gateway" ? "gateway token" : `${agent ?? "?"}, ${provider ?? "?"}`;
}

/**
 * Which generation a rollback goes to.
 * @throws {OperationError} `rollback` when there is none, when OpenClaw's state is in the way, and when both layers would
 * change in one step.
 */
export function rollbackPlan({ live, points }: RollbackPoints, request: RollbackRequest): RollbackPlan {
  const { gateway, to, state, together } = request;
  if (live === null) throw refused(`${gateway} has no live generation`, "run `gatehouse up`");
  const [latest] = points;
  if (latest === undefined)
    throw refused(`${gateway} has no generation but the live one`, "correct the fleet and run `gatehouse up`");
  if (to === live.generation)
    throw refused(`${to} is live already`, "`gatehouse drift` says whether it is as it was declared");
  const target = to === undefined ? latest : points.find(({ generation }) => generation === to);
  if (target === undefined) {
    const known = points.map(({ generation }) => generation).join(", ");
    throw refused(`${gateway} has no generation ${to ?? ""} on its node`, `it can go back to ${known}`);
  }
  const { obstacle, credentials } = target;
  if (obstacle !== null && !(obstacle.code === "state-newer" && state === "restore snapshot"))
    throw new OperationError([{ ...obstacle, resource: gateway }]);
  if (together === undefined && new Set(credentials.map(({ track }) => track)).size > 1) {
    throw refused(
      `${target.generation} has another gateway token and other provider keys (${credentials.map(credentialText).join("; ")})`,
      "go back over a generation that changes one of the two, or say with --both-layers REASON why both change at once",
    );
  }
  return { from: live.generation, to: target };
}
