import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../node/lib/atomic.ts";
import { readTextOrNull } from "../../node/lib/json-file.ts";
import { withLock } from "../../node/lib/lock.ts";
import { OperationError } from "../error.ts";
import { ensurePrivateDirectory } from "../state-directory.ts";
import { lineHash, linesOf, linkedLine, verifyChain, type ChainProblem, type Head } from "./chain.ts";

const headShape = z.strictObject({ seq: z.int().positive(), hash: z.string().regex(/^[0-9a-f]{64}$/) });

/** Files of one stack's record. */
export interface RecordFiles {
  /** JSON lines, each with the hash of the one before; 0600, append only, no secret. */
  readonly lines: string;
  readonly head: string;
}

export function recordFiles(stateDir: string, stack: string): RecordFiles {
  const directory = join(stateDir, "record");
  return { lines: join(directory, `${stack}.jsonl`), head: join(directory, `${stack}.head`) };
}

async function headOf(path: string): Promise<Head | null> {
  const text = await readTextOrNull(path);
  if (text === null) return null;
  try {
    return headShape.parse(JSON.parse(text));
  } catch (error) {
    throw new OperationError(
      [{ code: "record", message: `${path} is damaged`, fix: "compare the record with the hashes in your tickets" }],
      { cause: error },
    );
  }
}

export interface Appended {
  readonly path: string;
  readonly seq: number;
  /** SHA-256 of the line: belongs into the ticket, where nobody changes it. */
  readonly hash: string;
}

/**
 * Adds one entry. Two processes at once wait for each other; one that is killed leaves the record with the entry or
 * without it, and what it left of a line is taken off by the next.
 * @throws {OperationError} `record` for a head that is not ours.
 */
export async function append(
  stateDir: string,
  stack: string,
  contents: object,
  progress: (line: string) => void,
): Promise<Appended> {
  const files = recordFiles(stateDir, stack);
  await ensurePrivateDirectory(join(stateDir, "record"));
  const lock = { path: `${files.lines}.lock`, what: "the change record", progress };
  return await withLock(lock, async () => {
    const file = await open(files.lines, "a+", 0o600);
    try {
      const text = await file.readFile("utf8");
      const lines = linesOf(text);
      const whole = Buffer.byteLength(lines.map((line) => `${line}\n`).join(""));
      if (whole < Buffer.byteLength(text)) await file.truncate(whole);
      const seq = lines.length + 1;
      const line = linkedLine(lines.at(-1), seq, contents);
      await file.appendFile(`${line}\n`);
      await file.sync();
      const head: Head = { seq, hash: lineHash(line) };
      await writeFileAtomic(files.head, `${JSON.stringify(head)}\n`, { mode: 0o600 });
      return { path: files.lines, ...head };
    } finally {
      await file.close();
    }
  });
}

export interface RecordText {
  readonly path: string;
  readonly lines: readonly string[];
  readonly problems: readonly ChainProblem[];
}

/**
 * A stack's record with what is wrong with it.
 * @throws {OperationError} `input` for a stack that has none, `record` for a head that is not ours.
 */
export async function readRecord(stateDir: string, stack: string): Promise<RecordText> {
  const files = recordFiles(stateDir, stack);
  const head = await headOf(files.head);
  const text = await readFile(files.lines, "utf8").catch(() => null);
  if (text === null && head === null)
    throw OperationError.of(
      "input",
      `there is no record of ${stack} in ${stateDir}`,
      "name the stack and --state-dir of its changes",
    );
  return { path: files.lines, lines: linesOf(text ?? ""), problems: verifyChain(text ?? "", head) };
}
