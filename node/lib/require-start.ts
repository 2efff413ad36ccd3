import type { Context } from "../phase.ts";
import type { OsUser } from "../platform/index.ts";
import { EXIT } from "../protocol.ts";
import { PhaseFailure } from "./failure.ts";

/** A gateway that starts at a login was asked to start without one. */
export function noSession(user: string): PhaseFailure {
  return new PhaseFailure({
    layer: "host",
    code: "no-session",
    message: `nobody is logged in at the screen as ${user}, and this gateway starts with that login alone (startsAt: login)`,
    fix: `log in at the screen as ${user}, or turn on automatic login for it, which FileVault excludes; then run the same command again. With \`startsAt: boot\` a gateway needs no login`,
    exit: EXIT.unavailable,
  });
}

/**
 * Before anything is changed, as root: that the gateway of this user could be started now.
 * @throws {PhaseFailure} `no-session`.
 */
export async function requireStart(user: OsUser, { platform, paths }: Context): Promise<void> {
  if (!(await platform.steward.canStart(paths, user))) throw noSession(user.name);
}
