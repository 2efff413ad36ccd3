import { createInterface } from "node:readline/promises";
import { OperationError } from "./error.ts";

/**
 * Asks at the terminal; the answer has to be `yes`.
 * @throws {OperationError} `confirm` without a terminal, and for any other answer.
 */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw OperationError.of("confirm", "there is no terminal to confirm at", "give --yes to go on without a question");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Type yes to go on: `);
    if (answer.trim() !== "yes") throw OperationError.of("confirm", "not confirmed; nothing was done", "answer yes");
  } finally {
    terminal.close();
  }
}
