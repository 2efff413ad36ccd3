import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { runLinux } from "./linux.ts";
import { failed, printed, type Output } from "./output.ts";
import { readState, writeState } from "./state.ts";

/** Real path -> entries, in the words of chmod(1) of macOS. */
type Lists = Record<string, string[]>;
const lists = (): Lists => readState<Lists>("acl", {});

const READING = ["read", "list", "search", "execute"];
const WRITING = ["write", "append", "delete", "add_file", "add_subdirectory", "delete_child"];

/**
 * Lets the kernel underneath enforce an entry as far as POSIX lists can: read, search and write for one user or group, also
 * for what comes later. macOS has more rights and other rules of inheritance, and its lists leave the mode bits alone, while here
 * the group's bits show the mask.
 */
function enforce(path: string, entry: string, action: "-m" | "-x"): void {
  const match = /^(?:(user|group):)?(\S+) allow (\S+)$/.exec(entry);
  if (match === null) return;
  const [, kind = "user", name = "", words = ""] = match;
  const rights = words.split(",");
  const reads = rights.some((right) => READING.includes(right));
  const writes = rights.some((right) => WRITING.includes(right));
  const bits = action === "-x" ? "" : `:${reads ? "r" : "-"}${writes ? "w" : "-"}${reads ? "X" : "-"}`;
  const qualifier = `${kind === "group" ? "g" : "u"}:${name}${bits}`;
  runLinux("setfacl", [action, qualifier, path]);
  if (rights.some((right) => right.endsWith("_inherit"))) runLinux("setfacl", ["-d", action, qualifier, path]);
}

function descendants(path: string): string[] {
  return String(runLinux("find", [path]).stdout).split("\n").filter((line) => line !== ""); // prettier-ignore
}

function change(
  paths: readonly string[],
  edit: (path: string, entries: readonly string[]) => readonly string[],
): Output {
  const all = lists();
  for (const path of paths) {
    if (!existsSync(path)) return failed(1, `chmod: ${path}: No such file or directory\n`);
    const real = realpathSync(path);
    const before = all[real] ?? [];
    const after = edit(real, before);
    for (const entry of before.filter((one) => !after.includes(one))) enforce(real, entry, "-x");
    for (const entry of after.filter((one) => !before.includes(one))) enforce(real, entry, "-m");
    if (after.length === 0) Reflect.deleteProperty(all, real);
    else all[real] = [...after];
  }
  writeState("acl", all);
  return printed();
}

/** Stand-in for chmod: modes as everywhere, and `-N`, `+a`, `-a`, `-a# N`, `=a# N` for access lists. Source: man chmod. */
export function chmod(argv: readonly string[]): Output {
  const index = argv.findIndex((word) => /^(-N|[+=-]a#?)$/.test(word));
  if (index < 0) {
    if (argv.some((word) => word.startsWith("--"))) return failed(64, "chmod: illegal option -- -\n");
    return runLinux("chmod", argv);
  }
  const verb = argv[index] ?? "";
  const recursive = argv.includes("-R");
  const words = argv.slice(index + 1).filter((word) => word !== "-R");
  const count = verb === "-N" ? 0 : verb === "=a#" ? 2 : 1;
  const [first = "", second = ""] = words;
  const files = words.slice(count).flatMap((path) => (recursive ? descendants(path) : [path]));
  if (files.length === 0) return failed(64, "usage: chmod [-fhv] [-R [-H | -L | -P]] [-a | +a | =a [i] [# [ n]]] mode|entry file ...\n"); // prettier-ignore
  return change(files, (path, entries) => {
    switch (verb) {
      case "-N":
        // what was inherited is only known to the kernel underneath
        runLinux("setfacl", ["-b", path]);
        return [];
      case "+a":
        return entries.includes(first) ? entries : [...entries, first];
      case "-a":
        return entries.filter((entry) => entry !== first);
      case "-a#":
        return entries.filter((_entry, position) => position !== Number(first));
      default:
        return entries.map((entry, position) => (position === Number(first) ? second : entry));
    }
  });
}

/** Stand-in for ls: `-e` prints the access list below a line, `-O` the flags (none) and `-@` the attributes. man ls. */
export function ls(argv: readonly string[]): Output {
  const end = argv.indexOf("--");
  const isOption = (word: string, index: number): boolean => /^-./.test(word) && (end < 0 || index < end);
  if (argv.some((word, index) => isOption(word, index) && word.startsWith("--") && word !== "--")) {
    return failed(64, "ls: unrecognized option\nusage: ls [-@ABCFGHILOPRSTUWabcdefghiklmnopqrstuvwxy1%,] [--color=when] [file ...]\n"); // prettier-ignore
  }
  const letters = argv.filter(isOption).join("");
  const args = argv.flatMap((word, index) => {
    if (!isOption(word, index)) return [word];
    const kept = word.replaceAll(/[eO@]/g, "");
    return kept === "-" ? [] : [kept];
  });
  const output = runLinux("ls", args);
  if (!letters.includes("e") || !letters.includes("l")) return output;
  const folder = argv.filter((word, index) => !isOption(word, index) && word !== "--");
  const all = lists();
  const lines = String(output.stdout)
    .split("\n")
    .map((line) => {
      // prettier-ignore
      if (line === "") return line;
      const name = line.split(/\s+/).slice(8).join(" ").split(" -> ")[0] ?? "";
      const place = letters.includes("d") ? name : join(folder[0] ?? ".", name);
      const real = [place, name].find((path) => path !== "" && existsSync(path));
      const entries = real === undefined ? [] : (all[realpathSync(real)] ?? []);
      return [line, ...entries.map((entry, index) => ` ${index}: ${entry}`)].join("\n");
    });
  return { ...output, stdout: lines.join("\n") };
}
