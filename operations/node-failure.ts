import { RESULT_MARK, type PhaseError } from "../node/protocol.ts";
import type { Failure } from "./error.ts";

const LAYERS: ReadonlySet<string> = new Set<PhaseError["layer"]>([
  "gateway session",
  "provider credential",
  "config or disk",
  "host",
  "runtime",
]);

/** The block that a phase writes for people: `gatehouse: PHASE failed [layer/code]: message`, then the fix. */
const BLOCK = /^.*?gatehouse: \S+ failed \[([^/\]]+)\/([^\]]+)\]: (.+)\r?\n\s+fix: (.+)$/m;

/**
 * What a phase on a node reported about its failure, found in the engine's text about the command that failed. Taken
 * from the result line; from the block for people where that line is missing or was torn by the other stream.
 */
export function nodeFailure(text: string): Omit<Failure, "resource"> | undefined {
  return fromResultLine(text) ?? fromBlock(text);
}

function fromResultLine(text: string): Failure | undefined {
  const start = text.lastIndexOf(RESULT_MARK);
  if (start < 0) return undefined;
  const line = text.slice(start + RESULT_MARK.length).split("\n", 1)[0] ?? "";
  try {
    const { ok, error } = JSON.parse(line) as { ok?: unknown; error?: Partial<Record<keyof PhaseError, unknown>> };
    if (ok !== false || error === undefined) return undefined;
    return checked(error.layer, error.code, error.message, error.fix);
  } catch {
    return undefined;
  }
}

function fromBlock(text: string): Failure | undefined {
  const found = BLOCK.exec(text);
  return found === null ? undefined : checked(found[1], found[2], found[3], found[4]);
}

function checked(layer: unknown, code: unknown, message: unknown, fix: unknown): Failure | undefined {
  const texts = [layer, code, message, fix];
  if (!texts.every((text) => typeof text === "string" && text !== "") || !LAYERS.has(String(layer))) return undefined;
  return { layer: layer as PhaseError["layer"], code: String(code), message: String(message), fix: String(fix) };
}
