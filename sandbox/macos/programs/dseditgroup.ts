import { findGroup, findUser } from "../directory/accounts.ts";
import { changeDirectory, type Directory } from "../directory/store.ts";
import { randomUUID } from "node:crypto";
import { failed, isRoot, printed, type Output } from "./output.ts";

/** Options of dseditgroup(8) that take a value. */
const VALUED = "omaduntirkgsSPF";

interface Call {
  readonly options: ReadonlyMap<string, string>;
  readonly group: string;
}

function parse(argv: readonly string[]): Call {
  const options = new Map<string, string>();
  let group = "";
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (!word.startsWith("-")) group = word;
    else if (VALUED.includes(word.slice(1))) options.set(word.slice(1), argv[(index += 1)] ?? "");
    else options.set(word.slice(1), "");
  }
  return { options, group };
}

/** 0 yes, 67 no, 64 no such group or user (man dseditgroup, facts/macos.md 2). */
function checkMember(group: string, user: string): Output {
  const found = findGroup(group);
  if (found === undefined) return failed(64, "Group not found.\n");
  const account = findUser(user);
  if (account === undefined) return failed(64, "Unable to find the user record\n");
  const implicit = group === "everyone" || group === "localaccounts";
  if (implicit || found.members.includes(user) || account.gid === found.gid) {
    return printed(`yes ${user} is a member of ${group}\n`);
  }
  return { code: 67, stdout: `no ${user} is NOT a member of ${group}\n`, stderr: "" };
}

function edit(group: string, options: ReadonlyMap<string, string>): (directory: Directory) => boolean {
  return (directory) => {
    const attributes = directory["Groups"]?.[group];
    if (attributes === undefined) return false;
    const members = new Set(attributes["GroupMembership"] ?? []);
    const [added, dropped] = [options.get("a"), options.get("d")];
    if (added !== undefined) members.add(added);
    if (dropped !== undefined) members.delete(dropped);
    attributes["GroupMembership"] = [...members];
    return true;
  };
}

function create(group: string, options: ReadonlyMap<string, string>): (directory: Directory) => boolean {
  return (directory) => {
    const groups = (directory["Groups"] ??= {});
    groups[group] = {
      RecordName: [group],
      GeneratedUID: [randomUUID().toUpperCase()],
      PrimaryGroupID: [options.get("i") ?? "500"],
      RealName: [options.get("r") ?? group],
    };
    return true;
  };
}

function remove(group: string): (directory: Directory) => boolean {
  return (directory) => {
    const groups = directory["Groups"] ?? {};
    return group in groups && Reflect.deleteProperty(groups, group);
  };
}

/** Stand-in for dseditgroup; source: man dseditgroup, ansible's use of it (facts/macos.md 2). */
export function dseditgroup(argv: readonly string[]): Output {
  const { options, group } = parse(argv);
  const operation = options.get("o") ?? "read";
  if (operation === "checkmember") return checkMember(group, options.get("m") ?? process.env["USER"] ?? "root");
  if (operation === "read") {
    const found = findGroup(group);
    return found === undefined
      ? failed(64, "Group not found.\n")
      : printed(
          `dsAttrTypeStandard:PrimaryGroupID -\n\t\t${found.gid}\ndsAttrTypeStandard:RecordName -\n\t\t${group}\n`,
        );
  }
  if (!isRoot()) return failed(77, "Operation was not permitted by the server: requires root.\n");
  const changes = { create: create(group, options), edit: edit(group, options), delete: remove(group) };
  if (!Object.hasOwn(changes, operation)) return failed(64, "usage: dseditgroup [-pqv] -o edit ... groupname\n");
  const done = changeDirectory(changes[operation as keyof typeof changes]);
  return done ? printed() : failed(64, "Group not found.\n");
}
