import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  chmodSync,
} from "node:fs";
import { basename } from "node:path";
import { findGroup, findUser } from "../directory/accounts.ts";
import { PATHS } from "../paths.ts";
import { namesIn } from "./names.ts";
import { failed, isRoot, printed, type Output } from "./output.ts";

interface Line {
  readonly time: number;
  readonly subject: string;
  readonly level: string;
  readonly text: string;
}

function stamp(time: number): string {
  return `${new Date(time).toISOString().replace("T", " ").replace("Z", "")}000+0000`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Earliest time of `--last 5m` or `--start "2026-11-27 06:00:00"`. */
function earliest(argv: readonly string[]): number {
  const last = /^(\d+)([smhd]?)$/.exec(argv[argv.indexOf("--last") + 1] ?? "");
  if (argv.includes("--last") && last !== null) return Date.now() - Number(last[1]) * (UNITS[last[2] || "s"] ?? 1000);
  const start = argv.includes("--start") ? argv[argv.indexOf("--start") + 1] : undefined;
  if (start === undefined) return 0;
  return start.startsWith("@")
    ? Number(start.slice(1)) * 1000
    : Date.parse(`${start.replace(" ", "T").replace(/[+-]\d{4}$/, "")}Z`);
}

/**
 * Stand-in for `log show`: launchd's own lines only, whatever else the predicate asks for. Source: man log; the lines in
 * facts/macos.md 1.6. A predicate's `CONTAINS "TEXT"` is honoured, everything else of it is not.
 */
export function log(argv: readonly string[]): Output {
  if (argv[0] !== "show") return failed(64, "the stand-in's log knows show only\n");
  if (!isRoot())
    return failed(
      77,
      "log: Could not open local log store: The log archive is corrupt or incomplete and cannot be read\n",
    );
  const predicate = argv[argv.indexOf("--predicate") + 1] ?? "";
  const wanted = [...predicate.matchAll(/CONTAINS(?:\[c\])? ["']([^"']+)["']/g)].map((match) => match[1] ?? "");
  const from = earliest(argv);
  const text = existsSync(PATHS.log) ? readFileSync(PATHS.log, "utf8") : "";
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.time >= from)
    .filter((line) => wanted.length === 0 || wanted.some((word) => `${line.subject} ${line.text}`.includes(word)));
  const compact = argv.includes("compact");
  const rows = lines.map(({ time, subject, level, text: words }) =>
    compact
      ? `${stamp(time).slice(0, 23)} Df launchd[1:1] (${subject}) <${level}>: ${words}\n`
      : `${stamp(time)} 0x1        Default     0x0                  1      0    launchd: (${subject}) <${level}>: ${words}\n`,
  );
  const header = compact
    ? "Timestamp               Ty Process[PID:TID]\n"
    : "Timestamp                       Thread     Type        Activity             PID    TTL  \n";
  return printed(header + rows.join(""));
}

/** One line of newsyslog.conf(5): path [owner:group] mode count size when flags [pidfile] [signal]. */
interface Rotation {
  readonly path: string;
  readonly owner: string | undefined;
  readonly mode: number;
  readonly count: number;
  /** Kilobytes; undefined: only by time, which is not done here. */
  readonly size: number | undefined;
  readonly flags: string;
}

function parseRotation(line: string): Rotation | undefined {
  const words = line.trim().split(/\s+/);
  const [path = ""] = words;
  const owner = words[1]?.includes(":") === true ? words[1] : undefined;
  const [mode = "", count = "", size = "", when = "", flags = "-"] = words.slice(owner === undefined ? 1 : 2);
  if (!path.startsWith("/") || !/^[0-7]{3,4}$/.test(mode) || !/^\d+$/.test(count)) return undefined;
  if (!/^(\d+|\*)$/.test(size) || !/^(\*|\d+|[@$]\S+|\d+[@$]\S+)$/.test(when) || !/^[-BCDGJNTUWXZbcdgjntuwxz]+$/.test(flags)) return undefined; // prettier-ignore
  return {
    path,
    owner,
    mode: Number.parseInt(mode, 8),
    count: Number(count),
    size: size === "*" ? undefined : Number(size),
    flags,
  };
}

function rotate({ path, owner, mode, count }: Rotation): void {
  rmSync(`${path}.${count - 1}`, { force: true });
  for (let index = count - 2; index >= 0; index -= 1) {
    if (existsSync(`${path}.${index}`)) renameSync(`${path}.${index}`, `${path}.${index + 1}`);
  }
  if (count > 0) renameSync(path, `${path}.0`);
  closeSync(openSync(path, "w", mode));
  chmodSync(path, mode);
  const [user = "", group = ""] = owner?.split(":") ?? [];
  chownSync(path, findUser(user)?.uid ?? (Number(user) || 0), findGroup(group)?.gid ?? (Number(group) || 0));
}

/** Stand-in for newsyslog: reads the configuration, refuses a bad line, rotates by size. -n changes nothing, -F always. */
export function newsyslog(argv: readonly string[]): Output {
  const chosen = argv.includes("-f") ? [argv[argv.indexOf("-f") + 1] ?? ""] : ["/etc/newsyslog.conf", ...namesIn("/etc/newsyslog.d").map((name) => `/etc/newsyslog.d/${name}`)]; // prettier-ignore
  const letters = argv.filter((word) => word.startsWith("-")).join("");
  let stdout = "";
  for (const file of chosen) {
    if (!existsSync(file)) return failed(1, `newsyslog: can't open config file ${file}: No such file or directory\n`);
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
      const rotation = parseRotation(line);
      if (rotation === undefined) return failed(1, `newsyslog: malformed line in ${basename(file)}:\n${line}\n`);
      const kilobytes = existsSync(rotation.path) ? Math.ceil(statSync(rotation.path).size / 1024) : undefined;
      const due =
        kilobytes !== undefined &&
        (letters.includes("F") || (rotation.size !== undefined && kilobytes >= rotation.size));
      stdout += `${rotation.path} <${rotation.count}${rotation.flags.replace("-", "")}>: ${due ? "--> trimming log...." : kilobytes === undefined ? "does not exist, skipped." : "--> skipping"}\n`; // prettier-ignore
      if (due && !letters.includes("n") && isRoot()) rotate(rotation);
    }
  }
  return printed(letters.includes("v") || letters.includes("n") ? stdout : "");
}
