import { lstatSync, readFileSync, readlinkSync, statSync, type BigIntStats } from "node:fs";
import { failed, type Output } from "./output.ts";

/** Names from /etc/passwd and /etc/group, which mirror the directory service. */
function nameOf(file: string, id: bigint): string {
  const line = readFileSync(file, "utf8").split("\n").find((entry) => entry.split(":")[2] === String(id)); // prettier-ignore
  return line?.split(":")[0] ?? String(id);
}

const TYPES: readonly (readonly [bits: number, letter: string, name: string])[] = [
  [0o040000, "d", "Directory"],
  [0o100000, "-", "Regular File"],
  [0o120000, "l", "Symbolic Link"],
  [0o140000, "s", "Socket"],
  [0o010000, "p", "Fifo File"],
  [0o020000, "c", "Character Device"],
  [0o060000, "b", "Block Device"],
];

function symbolic(mode: number): string {
  const bits = ["r", "w", "x"];
  const plain = Array.from({ length: 9 }, (_, index) => ((mode >> (8 - index)) & 1 ? (bits[index % 3] ?? "") : "-"));
  const special = (index: number, bit: number, letter: string): void => {
    if ((mode & bit) !== 0) plain[index] = plain[index] === "x" ? letter : letter.toUpperCase();
  };
  special(2, 0o4000, "s");
  special(5, 0o2000, "s");
  special(8, 0o1000, "t");
  return plain.join("");
}

/** One datum of a format: `modifier` is S (string), H, M, L (high, middle, low part) or O, D, X in any order. */
function datum(letter: string, modifier: string, path: string, stats: BigIntStats): string {
  const mode = Number(stats.mode);
  const type = TYPES.find(([bits]) => (mode & 0o170000) === bits);
  const time = (milliseconds: bigint): string => String(milliseconds / 1000n);
  switch (letter) {
    case "p":
      if (modifier.includes("S")) return `${type?.[1] ?? "?"}${symbolic(mode)}`;
      if (modifier.includes("L")) return (mode & 0o777).toString(8);
      // %Mp alone: the setuid, setgid and sticky bits (man stat)
      if (modifier.includes("M")) return ((mode >> 9) & 0o7).toString(8);
      if (modifier.includes("H")) return (mode >> 12).toString(8);
      return mode.toString(8);
    case "u":
      return modifier.includes("S") ? nameOf("/etc/passwd", stats.uid) : String(stats.uid);
    case "g":
      return modifier.includes("S") ? nameOf("/etc/group", stats.gid) : String(stats.gid);
    case "T":
      return modifier.includes("H") ? (type?.[2] ?? "") : letterOf(type?.[1]);
    case "Y":
      return type?.[1] === "l" ? `${modifier.includes("S") ? "" : " -> "}${readlinkSync(path)}` : "";
    case "z":
      return String(stats.size);
    case "N":
      return path;
    case "m":
      return time(stats.mtimeMs);
    case "a":
      return time(stats.atimeMs);
    case "c":
      return time(stats.ctimeMs);
    case "B":
      return time(stats.birthtimeMs);
    case "i":
      return String(stats.ino);
    case "d":
      return String(stats.dev);
    case "l":
      return String(stats.nlink);
    case "b":
      return String(stats.blocks);
    case "k":
      return String(stats.blksize);
    // user flags such as uchg: Linux has none of them
    case "f":
      return modifier.includes("S") ? "-" : "0";
    default:
      return `%${letter}`;
  }
}

function letterOf(letter: string | undefined): string {
  return { d: "/", l: "@", s: "=", p: "|" }[letter ?? ""] ?? "";
}

function render(format: string, path: string, stats: BigIntStats): string {
  return format.replaceAll(
    /%([-+ 0-9.]*)([ODUXFS]?[HML]?)([a-zA-Z%@])|%([nt])/g,
    (_all, _flags: string, modifier: string, letter: string) => {
      // prettier-ignore
      if (letter === "n") return "\n";
      if (letter === "t") return "\t";
      return letter === "%" ? "%" : datum(letter, modifier, path, stats);
    },
  );
}

/** Stand-in for stat: -f FORMAT, -L, -n, -q. Source: man stat of macOS (facts/macos.md 4). */
export function stat(argv: readonly string[]): Output {
  let format = "%d %i %Sp %l %Su %Sg %z %m %N";
  let [follow, newline, quiet] = [false, true, false];
  const files: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (!word.startsWith("-") || word === "-" || files.length > 0) {
      files.push(word);
      continue;
    }
    for (const letter of word.slice(1)) {
      if (letter === "L") follow = true;
      else if (letter === "n") newline = false;
      else if (letter === "q") quiet = true;
      else if (letter === "f") format = argv[(index += 1)] ?? "";
      else if (letter === "t") index += 1;
      else if (!"FlrsxH".includes(letter)) {
        return failed(1, `stat: illegal option -- ${letter}\nusage: stat [-FLnq] [-f format | -l | -r | -s | -x] [-t timefmt] [file ...]\n`); // prettier-ignore
      }
    }
  }
  let [stdout, stderr] = ["", ""];
  for (const path of files) {
    try {
      const stats = follow ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true });
      stdout += render(format, path, stats) + (newline ? "\n" : "");
    } catch (error) {
      const reason = error instanceof Error && "code" in error && error.code === "EACCES" ? "Permission denied" : "No such file or directory"; // prettier-ignore
      if (!quiet) stderr += `stat: ${path}: stat: ${reason}\n`;
      stderr ||= " ";
    }
  }
  return { code: stderr === "" ? 0 : 1, stdout, stderr: stderr.trimStart() };
}
