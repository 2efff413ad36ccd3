import type { Hints, HomeFacts, Platform, UserFacts, Users } from "../platform/index.ts";

/** What a platform says of users that may run a gateway. */
export type AccountRules = Pick<Platform, "privilegedGroups" | "hints"> & {
  readonly users: Pick<Users, "ordinaryUids">;
};

export interface Objection {
  readonly message: string;
  readonly fix: string;
}

/** Why an existing user must not become a gateway's user, worst first; empty when it may. */
export function userObjections(
  user: UserFacts,
  home: string,
  { users, privilegedGroups, hints }: AccountRules,
): readonly Objection[] {
  const found: Objection[] = [];
  const another = "choose another user name for this gateway, or";
  if (user.uid < users.ordinaryUids.first || user.uid > users.ordinaryUids.last) {
    found.push({
      message: `the user ${user.name} exists with the system uid ${user.uid}`,
      fix: `${another} remove that user from the node`,
    });
  }
  const privileged = user.groups.filter((group) => privilegedGroups.includes(group));
  if (privileged.length > 0) {
    found.push({
      message: `the user ${user.name} exists and is in the privileged group ${privileged.join(", ")}`,
      fix: `${another} take it out of that group on the node`,
    });
  }
  if (user.hasPassword) {
    found.push({
      message: `the user ${user.name} exists and can log in with a password`,
      fix: `${another} lock it on the node: \`${hints.lockPassword(user.name)}\``,
    });
  }
  if (user.home !== home) {
    found.push({
      message: `the user ${user.name} exists with the home ${user.home}, the spec says ${home}`,
      fix: `${another} set \`home\` of the gateway to ${user.home}`,
    });
  }
  return found;
}

/** Why the path must not become the home of a gateway's user (`uid`: undefined before the user exists). */
export function homeObjections(
  path: string,
  home: HomeFacts | undefined,
  uid: number | undefined,
): readonly Objection[] {
  if (home === undefined || home.uid === uid) return home?.isDirectory === false ? [notADirectory(path)] : [];
  if (!home.isDirectory) return [notADirectory(path)];
  // What an interrupted run leaves between mkdir and chown.
  if (home.uid === 0 && home.isEmpty) return [];
  return [
    {
      message: `${path} exists and belongs to uid ${home.uid}, not to this gateway's user`,
      fix: "move that directory away on the node, or choose another home",
    },
  ];
}

/** Whoever can change a directory above the home can put another one, or a link to root's files, in its place. */
export function foreignAncestorObjection(home: string, ancestor: string, { homes }: Hints): Objection {
  return {
    message: `${home} would lie below ${ancestor}, which others than root can change`,
    fix: `choose a home below directories of root alone, such as ${homes}, or give ${ancestor} to root on the node`,
  };
}

function notADirectory(path: string): Objection {
  return { message: `${path} exists and is not a directory`, fix: "move it away on the node, or choose another home" };
}
