import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { runLinux } from "./linux.ts";
import { failed, printed, type Output } from "./output.ts";

/** Stand-in for sed: `-i` takes its suffix as a word of its own, and nothing of GNU's is there. Source: man sed. */
export function sed(argv: readonly string[]): Output {
  const args: string[] = ["--posix"];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "--") {
      args.push(...argv.slice(index));
      break;
    }
    if (word.startsWith("--") || /^-[a-zA-Z]*[zsu]/.test(word))
      return failed(1, `sed: illegal option -- ${word[1] ?? ""}\n`);
    if (word === "-i" || word === "-I") args.push(`-i${argv[(index += 1)] ?? ""}`);
    else if (word === "-l") args.push("-u");
    else if (word === "-a") continue;
    else if (word === "-e" || word === "-f") args.push(word, argv[(index += 1)] ?? "");
    else args.push(word);
  }
  return runLinux("sed", args);
}

const UNITS: Readonly<Record<string, string>> = { y: "year", m: "month", w: "week", d: "day", H: "hour", M: "minute", S: "second" }; // prettier-ignore

/** Seconds since the epoch of a text in a strptime format; undefined when it does not fit. UTC unless `%z` says otherwise. */
export function parseTime(format: string, text: string): number | undefined {
  const fields: string[] = [];
  const patterns: Readonly<Record<string, string>> = { Y: "(\\d{4})", m: "(\\d{1,2})", d: "(\\d{1,2})", H: "(\\d{1,2})", M: "(\\d{1,2})", S: "(\\d{1,2})", s: "(\\d+)", z: "(Z|[+-]\\d{2}:?\\d{2})", Z: "([A-Z]+)" }; // prettier-ignore
  const expanded = format.replaceAll("%F", "%Y-%m-%d").replaceAll("%T", "%H:%M:%S");
  const pattern = expanded.replaceAll(/%([a-zA-Z])|[.*+?^${}()|[\]\\]/g, (all, letter: string | undefined) => {
    if (letter === undefined) return `\\${all}`;
    fields.push(letter);
    return patterns[letter] ?? "(.+?)";
  });
  const match = new RegExp(`^${pattern}$`).exec(text);
  if (match === null) return undefined;
  const value = (letter: string, fallback: string): number => Number(match[fields.indexOf(letter) + 1] ?? fallback);
  const has = (letter: string): boolean => fields.includes(letter);
  if (has("s")) return value("s", "0");
  const get = (letter: string, fallback: number): number => (has(letter) ? value(letter, "") : fallback);
  const now = new Date();
  const utc = Date.UTC(get("Y", now.getUTCFullYear()), get("m", now.getUTCMonth() + 1) - 1, get("d", now.getUTCDate()), get("H", 0), get("M", 0), get("S", 0)); // prettier-ignore
  const zone = has("z") ? (match[fields.indexOf("z") + 1] ?? "Z") : "Z";
  const offset =
    zone === "Z" ? 0 : Number(`${zone[0] ?? "+"}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  return utc / 1000 - offset * 60;
}

/** Stand-in for date: -u, -r, -v, -j -f. GNU's -d and --date are refused. Source: man date. */
export function date(argv: readonly string[]): Output {
  let seconds: number | undefined;
  let format: string | undefined;
  let output: string[] = [];
  const adjustments: string[] = [];
  const linux: string[] = [];
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "-u") linux.push("-u");
    else if (word === "-j" || word === "-n") continue;
    else if (word === "-R") output = ["-R"];
    else if (word.startsWith("-I")) output = [word];
    else if (word === "-r") {
      const value = argv[(index += 1)] ?? "";
      seconds = /^\d+$/.test(value) ? Number(value) : Math.floor(statSync(value).mtimeMs / 1000);
    } else if (word.startsWith("-v")) adjustments.push(word.slice(2) || (argv[(index += 1)] ?? ""));
    else if (word === "-f") format = argv[(index += 1)];
    else if (word.startsWith("-"))
      return failed(1, `date: illegal option -- ${word[1] ?? ""}\nusage: date [-jnRu] [-I[date|hours|minutes|seconds]] [-f input_fmt]\n`); // prettier-ignore
    else if (word.startsWith("+")) output = [word.replaceAll("%N", "N")];
    else words.push(word);
  }
  if (format !== undefined) {
    seconds = parseTime(format, words.join(" "));
    if (seconds === undefined)
      return failed(1, `Failed conversion of \`\`${words.join(" ")}'' using format \`\`${format}''\n`);
  }
  const moved = adjustments.map((word) => /^([+-])(\d+)([ymwdHMS])$/.exec(word)).map((match) => `${match?.[1] ?? "+"}${match?.[2] ?? "0"} ${UNITS[match?.[3] ?? "S"] ?? "second"}`); // prettier-ignore
  const base = seconds === undefined ? "now" : new Date(seconds * 1000).toISOString();
  return runLinux("date", [...linux, "-d", [base, ...moved].join(" "), ...output], { ...process.env, LC_ALL: "C" });
}

/** Stand-in for md5. Source: man md5. */
export function md5(argv: readonly string[]): Output {
  const quiet = argv.includes("-q");
  const files = argv.filter((word) => !word.startsWith("-"));
  const digest = (file: string | number): string => createHash("md5").update(readFileSync(file)).digest("hex");
  if (files.length === 0) return printed(`${digest(0)}\n`);
  return printed(files.map((file) => `${quiet ? "" : `MD5 (${file}) = `}${digest(file)}\n`).join(""));
}
