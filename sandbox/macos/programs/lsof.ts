import { readFileSync } from "node:fs";
import { linkOf, listeners, openFiles, processes, type ProcessEntry } from "./proc.ts";
import { failed, printed, type Output } from "./output.ts";

interface Row {
  readonly process: ProcessEntry;
  readonly fd: string;
  readonly type: string;
  readonly node: string;
  readonly name: string;
}

interface Query {
  readonly pids: readonly number[] | undefined;
  readonly user: string | undefined;
  readonly command: string | undefined;
  /** Of `-i`; undefined without it, and no port without one. */
  readonly internet: { readonly address: string | undefined; readonly port: number | undefined } | undefined;
  readonly descriptors: readonly string[] | undefined;
  readonly fields: string | undefined;
  readonly terse: boolean;
  readonly and: boolean;
}

/** `[46][TCP][@HOST][:PORT]` of man lsof, with one numeric host and one port. */
function parseInternet(text: string): Query["internet"] {
  const match = /^[46]?(?:TCP|UDP)?(?:@(\[[^\]]+\]|[^:]+))?(?::(\d+))?$/i.exec(text);
  return { address: match?.[1], port: match?.[2] === undefined ? undefined : Number(match[2]) };
}

function parse(argv: readonly string[]): Query {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    for (let position = 1; position < word.length; position += 1) {
      const letter = word[position] ?? "";
      if (!"pudicsF".includes(letter)) {
        flags.add(letter);
        continue;
      }
      const attached = word.slice(position + 1);
      // -i, -s and -F need not have a value, which then is attached
      const value = attached !== "" || "isF".includes(letter) ? attached : (argv[(index += 1)] ?? "");
      values.set(letter, value);
      break;
    }
  }
  const internet = values.get("i");
  return {
    pids: values.get("p")?.split(",").map(Number), // prettier-ignore
    user: values.get("u"),
    command: values.get("c"),
    internet: internet === undefined ? undefined : parseInternet(internet),
    descriptors: values.get("d")?.split(","),
    fields: values.get("F"),
    terse: flags.has("t"),
    and: flags.has("a"),
  };
}

function userName(uid: number): string {
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((entry) => entry.split(":")[2] === String(uid)); // prettier-ignore
  return line?.split(":")[0] ?? String(uid);
}

function internetRows(process: ProcessEntry, wanted: NonNullable<Query["internet"]>): Row[] {
  const table = listeners().filter(({ port, address }) => {
    if (wanted.port !== undefined && wanted.port !== port) return false;
    return wanted.address === undefined || wanted.address === address;
  });
  return [...openFiles(process.pid)].flatMap(([fd, target]) => {
    const found = table.find(({ inode }) => target === `socket:[${inode}]`);
    if (found === undefined) return [];
    const host = found.address === "0.0.0.0" || found.address === "[::]" ? "*" : found.address;
    return [{ process, fd: `${fd}u`, type: found.family, node: "TCP", name: `${host}:${found.port} (LISTEN)` }];
  });
}

function fileRows(process: ProcessEntry, wanted: readonly string[] | undefined): Row[] {
  const rows: Row[] = [];
  const add = (fd: string, type: string, name: string | undefined): void => {
    const included = wanted === undefined || wanted.includes(fd.replace(/\D+$/, "") || fd);
    if (name !== undefined && included) rows.push({ process, fd, type, node: "0", name });
  };
  add("cwd", "DIR", linkOf(process.pid, "cwd"));
  add("txt", "REG", linkOf(process.pid, "exe"));
  for (const [fd, target] of openFiles(process.pid)) if (target.startsWith("/")) add(`${fd}u`, "REG", target);
  return rows;
}

function select(query: Query): Row[] {
  return processes()
    .filter(({ pid, uid, command }) => {
      if (query.pids !== undefined && !query.pids.includes(pid)) return false;
      if (query.command !== undefined && !command.startsWith(query.command)) return false;
      return query.user === undefined || query.user === userName(uid) || query.user === String(uid);
    })
    .flatMap((process) =>
      query.internet === undefined ? fileRows(process, query.descriptors) : internetRows(process, query.internet),
    );
}

function fieldsOf(rows: readonly Row[], letters: string): string {
  let pid = 0;
  return rows
    .flatMap((row) => {
      const isNew = row.process.pid !== pid;
      pid = row.process.pid;
      const perProcess = [`p${pid}`, ...(letters.includes("c") ? [`c${row.process.command}`] : []), ...(letters.includes("u") ? [`u${row.process.uid}`] : []), ...(letters.includes("L") ? [`L${userName(row.process.uid)}`] : [])]; // prettier-ignore
      const perFile = [`f${row.fd.replace(/u$/, "")}`, ...(letters.includes("n") ? [`n${row.name.replace(" (LISTEN)", "")}`] : [])]; // prettier-ignore
      return [...(isNew ? perProcess : []), ...perFile];
    })
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * Stand-in for lsof: TCP sockets that listen (-i), current folders, programs and open files (-p, -d), as columns, fields
 * (-F) or pids (-t). The data are real. Source: man lsof, captures in facts/macos.md 4; status 1 when nothing is found.
 */
export function lsof(argv: readonly string[]): Output {
  const query = parse(argv);
  if (!query.and && query.internet !== undefined && query.pids !== undefined) {
    return failed(1, "the stand-in's lsof wants -a between -i and -p: without it lsof lists either\n");
  }
  const rows = select(query);
  if (rows.length === 0) return failed(1, "");
  if (query.terse) return printed([...new Set(rows.map(({ process }) => `${process.pid}\n`))].join(""));
  if (query.fields !== undefined) return printed(fieldsOf(rows, query.fields === "" ? "pcuLfn" : query.fields));
  const lines = rows.map(({ process, fd, type, node, name }) =>
    [
      process.command.slice(0, 9).padEnd(9),
      String(process.pid).padStart(5),
      userName(process.uid).padStart(8),
      fd.padStart(4).padEnd(5),
      type.padStart(4),
      "0x1d1d1d1d1d1d1d1d".padStart(18),
      "0t0".padStart(8),
      node.padStart(4),
      name,
    ].join(" "),
  );
  return printed(`COMMAND     PID     USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME\n${lines.map((line) => `${line}\n`).join("")}`); // prettier-ignore
}
