import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { TestNode } from "../../sandbox/node/index.ts";

/** Secrets by label. */
export type Markers = Readonly<Record<string, string>>;

/** A marker that was found, by its label. */
export interface Finding {
  /** Kind of place, one of those that the search says it looked at. */
  readonly place: string;
  /** File, with mode and owner on a node; empty where the place is one text. */
  readonly path: string;
  readonly label: string;
}

export interface Searched {
  readonly findings: readonly Finding[];
  /** Every place with the number of bytes or files that were looked at. */
  readonly looked: Readonly<Record<string, number>>;
}

export const FILES = "files of the node";

/** Where the node keeps the needles while its files are searched: memory, root's only, and left out of the search. */
const NEEDLES = "/run/canary-needles";

/** A value as it is, in hexadecimal, and in base64 wherever it may begin. */
function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((offset) => {
    // characters that also depend on what stands beside the value are left out
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(Math.ceil((offset * 8) / 6), -2);
  });
  return [value, bytes.toString("hex"), ...base64];
}

class Needles {
  readonly #labels: ReadonlyMap<string, string>;

  constructor(markers: Markers) {
    const short = Object.entries(markers).filter(([, value]) => value.length < 16);
    if (short.length > 0) throw new Error(`no markers: ${short.map(([label]) => label).join(", ")}`);
    this.#labels = new Map(
      Object.entries(markers).flatMap(([label, value]) => spellings(value).map((text) => [text, label] as const)),
    );
  }

  get lines(): string {
    return `${[...this.#labels.keys()].join("\n")}\n`;
  }

  labelOf(text: string): string {
    return this.#labels.get(text) ?? "unknown";
  }

  in(text: string): string[] {
    return [...new Set([...this.#labels].flatMap(([needle, label]) => (text.includes(needle) ? [label] : [])))];
  }
}

/** Texts by the name of their place. */
function searchTexts(texts: Readonly<Record<string, string>>, markers: Markers): Searched {
  const needles = new Needles(markers);
  return {
    findings: Object.entries(texts).flatMap(([place, text]) =>
      needles.in(text).map((label) => ({ place, path: "", label })),
    ),
    looked: Object.fromEntries(Object.entries(texts).map(([place, text]) => [place, text.length])),
  };
}

/** Every file below a directory of the operator's machine. */
export async function searchDirectory(place: string, directory: string, markers: Markers): Promise<Searched> {
  const needles = new Needles(markers);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const findings: Finding[] = [];
  for (const file of files) {
    const labels = needles.in(await readFile(file, "latin1"));
    findings.push(...labels.map((label) => ({ place, path: relative(directory, file), label })));
  }
  return { findings, looked: { [place]: files.length } };
}

async function output(node: TestNode, command: string, user?: "nosudo"): Promise<string> {
  const { code, stdout, stderr } = await node.exec(command, user === undefined ? {} : { user });
  if (code !== 0) throw new Error(`${command}: exit ${code}: ${stderr.slice(0, 300)}`);
  return stdout;
}

/** Every file of a node with its mode and owner. The needles travel on stdin and lie in memory meanwhile. */
async function searchFiles(node: TestNode, needles: Needles): Promise<Searched> {
  await node.exec(`umask 077; cat > ${NEEDLES}`, { stdin: needles.lines });
  try {
    const files = `find / \\( -path /proc -o -path /sys -o -path ${NEEDLES} \\) -prune -o -type f -print0`;
    const count = Number(await output(node, `${files} | tr -cd '\\0' | wc -c`));
    const hits = await output(node, `${files} | xargs -0 grep -aoHF -f ${NEEDLES} -- 2>/dev/null | sort -u || true`);
    const findings: Finding[] = [];
    for (const hit of hits.split("\n").filter((line) => line !== "")) {
      const separator = hit.indexOf(":");
      const path = hit.slice(0, separator);
      const shown = await output(node, `stat -c '%a %U %n' '${path}'`);
      findings.push({ place: FILES, path: shown.trim(), label: needles.labelOf(hit.slice(separator + 1)) });
    }
    return { findings, looked: { [FILES]: count } };
  } finally {
    await node.exec(`rm -f ${NEEDLES}`);
  }
}

/** A node: all files, all command lines, the environments that another user can read, and all journals. */
export async function searchNode(node: TestNode, markers: Markers): Promise<Searched> {
  const needles = new Needles(markers);
  const files = await searchFiles(node, needles);
  const texts = searchTexts(
    {
      "command lines": await output(node, "cat /proc/[0-9]*/cmdline 2>/dev/null || true"),
      "environments that another user can read": await output(
        node,
        "cat /proc/[0-9]*/environ 2>/dev/null || true",
        "nosudo",
      ),
      journals: await output(node, "journalctl --all --no-pager -o export"),
    },
    markers,
  );
  return {
    findings: [...files.findings, ...texts.findings],
    looked: { ...files.looked, ...texts.looked },
  };
}

export function together(...searches: readonly Searched[]): Searched {
  return {
    findings: searches.flatMap(({ findings }) => findings),
    looked: Object.assign({}, ...searches.map(({ looked }) => looked)) as Record<string, number>,
  };
}
