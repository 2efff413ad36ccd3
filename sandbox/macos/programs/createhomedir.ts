import { chownSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { findUser } from "../directory/accounts.ts";
import { failed, printed, type Output } from "./output.ts";

/** What the template of macOS holds. */
const TEMPLATE = ["Desktop", "Documents", "Downloads", "Library", "Movies", "Music", "Pictures", "Public"];

/** Stand-in for createhomedir: `-c [-u USER]` makes a home directory from the template. Source: man createhomedir. */
export function createhomedir(argv: readonly string[]): Output {
  const words = argv.flatMap((word) =>
    /^-[a-z]{2,}$/.test(word) ? Array.from(word.slice(1)).map((letter) => `-${letter}`) : [word],
  );
  const name = words[words.indexOf("-u") + 1];
  if (!words.includes("-c") || !words.includes("-u") || name === undefined)
    return failed(64, "usage: createhomedir -c [-u username]\n");
  const account = findUser(name);
  if (account === undefined) return failed(1, `createhomedir: user ${name} not found\n`);
  if (existsSync(account.home)) return printed("");
  for (const folder of ["", ...TEMPLATE]) {
    const path = join(account.home, folder);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, account.uid, account.gid);
  }
  return printed(`creating home directories for (localhost)\n`);
}
