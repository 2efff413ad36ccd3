import { linuxId, readDirectory } from "./store.ts";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A user of the local node with a number; undefined without one. */
export function findUser(name: string): Account | undefined {
  const attributes = readDirectory()["Users"]?.[name];
  const uid = linuxId(attributes?.["UniqueID"]?.[0]);
  const gid = linuxId(attributes?.["PrimaryGroupID"]?.[0]);
  if (uid === undefined || gid === undefined) return undefined;
  return { name, uid, gid, home: attributes?.["NFSHomeDirectory"]?.[0] ?? "/var/empty" };
}

export function findUserById(uid: number): Account | undefined {
  return Object.keys(readDirectory()["Users"] ?? {})
    .map(findUser)
    .find((user) => user?.uid === uid);
}

export function findGroup(name: string): Group | undefined {
  return groups().find((group) => group.name === name);
}

export function findGroupById(gid: number): Group | undefined {
  return groups().find((group) => group.gid === gid);
}

function groups(): Group[] {
  return Object.entries(readDirectory()["Groups"] ?? {}).flatMap(([name, attributes]) => {
    const gid = linuxId(attributes["PrimaryGroupID"]?.[0]);
    return gid === undefined ? [] : [{ name, gid, members: attributes["GroupMembership"] ?? [] }];
  });
}
