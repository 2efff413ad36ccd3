import type { AccountRules, Hints, HomeFacts, Platform, UserFacts } from "../platform/index.ts";
import type { StartsAt } from "../protocol.ts";

export interface Objection {
  readonly message: string;
  readonly fix: string;
}

/** Why an existing user must not become a gateway's user, worst first; empty when it may. */
export function userObjections(
  user: UserFacts,
  home: string,
  { accounts, hints }: Pick<Platform, "accounts" | "hints">,
  startsAt: StartsAt,
): readonly Objection[] {
  const rules = accounts[startsAt];
  if (rules === undefined) return [noSuchStart(startsAt)];
  const { uids, privilegedGroups, personal } = rules;
  const found: Objection[] = [];
  const another = "choose another user name for this gateway, or";
  if (user.uid < uids.first || user.uid > uids.last) {
    found.push(
      personal
        ? {
            message: `the user ${user.name} has the uid ${user.uid}: nobody logs in to such an account at the screen`,
            fix: `choose an account that was made in System Settings (uid ${uids.first} or above), or take \`startsAt: login\` away`,
          }
        : {
            message: `the user ${user.name} exists with the system uid ${user.uid}`,
            fix: `${another} remove that user from the node`,
          },
    );
  }
  const privileged = user.groups.filter((group) => privilegedGroups.includes(group));
  if (privileged.length > 0) {
    found.push({
      message: `the user ${user.name} exists and is in the privileged group ${privileged.join(", ")}`,
      fix: `${another} take it out of that group on the node`,
    });
  }
  if (user.hasPassword && !personal) {
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

export function noSuchStart(startsAt: StartsAt): Objection {
  return {
    message: `no gateway starts at ${startsAt} on this kind of node`,
    fix: "take `startsAt` out of the spec",
  };
}

/** Why no gateway can be given an account that has to be somebody's; undefined when it can. */
export function personalObjection(
  name: string,
  { user, home }: { readonly user: UserFacts | undefined; readonly home: HomeFacts | undefined },
  { personal }: AccountRules,
): Objection | undefined {
  if (!personal || (user !== undefined && home !== undefined)) return undefined;
  return {
    message:
      user === undefined
        ? `the user ${name} does not exist, and \`startsAt: login\` takes an account that somebody logs in to`
        : `the user ${name} has no home yet: nobody has logged in as it at the screen`,
    fix: `make ${name} in System Settings, Users & Groups, as a standard account, and log in at the screen once as it: that makes its home and is where macOS asks for consent. Gatehouse makes no account with a password`,
  };
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
