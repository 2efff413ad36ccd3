import { setTimeout as sleep } from "node:timers/promises";
import { ResolveFailure } from "./failure.ts";

/** An answer of a manager below 500 that is no throttling. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The text parsed; undefined when that is no JSON. */
  readonly json: unknown;
}

export interface Question {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Why an answer is worth another attempt although its status does not say so; undefined: it is not. */
export type Passing = (answer: Answer) => string | undefined;

/** One attempt's share of the deadline: a manager that accepts and never answers leaves time for another attempt. */
const ATTEMPT_MS = 7_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
const KEEP_BYTES = 1024 * 1024;

/** The transport's own word for what went wrong: `ECONNREFUSED`. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "error";
  const cause = error.cause as { readonly code?: unknown } | undefined;
  if (typeof cause?.code === "string") return cause.code;
  return error.name === "TimeoutError" || error.name === "AbortError" ? "no answer" : error.name;
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text();
  return text.length > KEEP_BYTES ? "" : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The answer of one attempt, or why it is worth another one. */
async function attempt(
  url: URL,
  question: Question,
  deadline: AbortSignal,
  passing: Passing,
): Promise<Answer | string> {
  try {
    const response = await fetch(url, {
      ...question,
      redirect: "manual",
      signal: AbortSignal.any([deadline, AbortSignal.timeout(ATTEMPT_MS)]),
    });
    const text = await textOf(response);
    if (response.status === 429 || response.status >= 500) return `HTTP ${response.status}`;
    const answer = { status: response.status, text, json: parsed(text) };
    return passing(answer) ?? answer;
  } catch (error) {
    return causeOf(error);
  }
}

/**
 * Asks until there is an answer: no connection, throttling and server errors are tried again until the deadline.
 * @throws {ResolveFailure} with outlook `try again` at the deadline; `service` is the name it has in the message.
 */
export async function ask(
  service: string,
  url: URL,
  question: Question,
  deadline: AbortSignal,
  passing: Passing = () => undefined,
): Promise<Answer> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const answer = await attempt(url, question, deadline, passing);
    if (typeof answer !== "string") return answer;
    await sleep(pause, undefined, { signal: deadline }).catch(() => undefined);
    if (deadline.aborted) {
      throw new ResolveFailure(
        "try again",
        `${service} at ${url.origin} gives no answer (${answer})`,
        `check that ${url.origin} is up and that this node reaches it; the unit tries again by itself`,
      );
    }
  }
}
