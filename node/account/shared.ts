import { EXIT } from "../protocol.ts";
import { PhaseFailure } from "../lib/failure.ts";
import type { OsUser, SharedFacts, Users } from "../platform/index.ts";

function refused(message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "host", code: "shared-directory", message, fix, exit: EXIT.refused });
}

/** Why a directory must not be shared with the user; undefined when it may. */
export function sharedObjection(
  path: string,
  facts: SharedFacts | undefined,
  user: Pick<OsUser, "name" | "uid">,
): { readonly message: string; readonly fix: string } | undefined {
  if (facts === undefined) {
    return {
      message: `the shared directory ${path} does not exist`,
      fix: `create it on the node: mkdir -m 0750 ${path}`,
    };
  }
  if (!facts.isDirectory) {
    return {
      message: `the shared directory ${path} is a link or no directory`,
      fix: "name the directory itself in sharedDirectories",
    };
  }
  if (facts.foreignAncestor !== undefined) {
    return {
      message: `the shared directory ${path} lies below ${facts.foreignAncestor}, which others than root can change`,
      fix: `move it below directories of root alone, such as /srv, or give ${facts.foreignAncestor} to root`,
    };
  }
  if (facts.uid === user.uid) {
    return {
      message: `the shared directory ${path} belongs to ${user.name}, who could change it`,
      fix: `give it to another owner on the node: chown -R root: ${path}`,
    };
  }
  if ((facts.mode & 0o007) !== 0) {
    return {
      message: `the shared directory ${path} is open to every user of the node (mode ${(facts.mode & 0o777).toString(8)})`,
      fix: `close it on the node, its readers get access by ACL: chmod -R o= ${path}`,
    };
  }
  return undefined;
}

/**
 * Lets the user read each directory, by the group it already has or else by an access control list, which also covers
 * files that come later. Nothing is opened to the world.
 * @throws {PhaseFailure} `shared-directory` for one that must not be shared, or that the user could write.
 */
export async function shareDirectories(users: Users, user: OsUser, wanted: readonly string[]): Promise<void> {
  const all = await Promise.all(wanted.map(async (path) => ({ path, facts: await users.inspectShared(path) })));
  for (const { path, facts } of all) {
    const objection = sharedObjection(path, facts, user);
    if (objection !== undefined) throw refused(objection.message, objection.fix);
  }
  for (const path of wanted) {
    if (!(await users.may(user, "read", path))) await users.grantRead(user, path);
    if (!(await users.may(user, "read", path))) {
      throw refused(
        `${user.name} cannot read the shared directory ${path}, although its access list says so`,
        "a directory above it may be closed to others: check each with `namei -l` on the node",
      );
    }
    if (await users.may(user, "write", path)) {
      throw refused(
        `${user.name} can write the shared directory ${path}`,
        `take the user out of a group that may write it, or that right from the group: chmod -R g-w ${path}`,
      );
    }
  }
}
