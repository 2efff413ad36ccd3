import { userInfo } from "node:os";
import { EXIT } from "../protocol.ts";
import type { OsUser, Users } from "../platform/index.ts";
import { PhaseFailure } from "./failure.ts";

/**
 * The OS user of a gateway, as the account phase made it.
 * @throws {PhaseFailure} `account-missing` when it is not there or lives elsewhere.
 */
export async function gatewayUser(users: Users, name: string, home: string): Promise<OsUser> {
  const user = await users.find(name);
  if (user !== undefined && user.home === home && user.uid !== 0) return user;
  throw new PhaseFailure({
    layer: "host",
    code: "account-missing",
    message:
      user === undefined
        ? `the user ${name} does not exist on this node`
        : `the user ${name} has the home ${user.home}, not ${home}`,
    fix: "run the account phase again: `pulumi up --replace` with the URN of this gateway's account phase",
    exit: EXIT.unavailable,
  });
}

/** The user this process runs as. */
export function ownUser(): OsUser {
  const { username, uid, gid, homedir, shell } = userInfo();
  return { name: username, uid, gid, home: homedir, shell: shell ?? "" };
}
