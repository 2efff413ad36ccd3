import { findGroup, findUser } from "../directory/accounts.ts";
import { failed, printed, type Output } from "./output.ts";

/** Stand-in for `dsmemberutil checkmembership -U user -G group`: 0 whatever the answer is. Source: man dsmemberutil. */
export function dsmemberutil(argv: readonly string[]): Output {
  const after = (option: string): string => argv[argv.indexOf(option) + 1] ?? "";
  const [user, group] = [findUser(after("-U")), findGroup(after("-G"))];
  if (argv[0] !== "checkmembership" || user === undefined || group === undefined) {
    return failed(1, "dsmemberutil: no such user or group\n");
  }
  const member = group.members.includes(user.name) || user.gid === group.gid;
  return printed(`user is ${member ? "" : "not "}a member of the group\n`);
}
