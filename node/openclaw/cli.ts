import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { launchedVariables, redactSecrets } from "../generation/variables.ts";
import { userEnvironment } from "../lib/as-user.ts";
import { describeEnd, exec } from "../lib/exec.ts";
import type { ExecResult } from "../lib/exec.ts";
import { ownUser } from "../lib/gateway-user.ts";
import { member } from "../lib/member.ts";
import type { StoredGeneration } from "../generation/store.ts";

export interface Answer {
  readonly result: ExecResult;
  /** What it printed, parsed; undefined when that was not JSON. */
  readonly json: unknown;
}

/** The vendor's command line of one generation, run as the gateway user with that generation's credentials. */
export class OpenclawCli {
  readonly #generation: StoredGeneration;
  readonly #variables: ReadonlyMap<string, string>;

  private constructor(generation: StoredGeneration, variables: ReadonlyMap<string, string>) {
    this.#generation = generation;
    this.#variables = variables;
  }

  /** @throws {PhaseFailure} `credential-unresolved` when the node cannot read what its launcher would. */
  static async of(generation: StoredGeneration): Promise<OpenclawCli> {
    return new OpenclawCli(generation, await launchedVariables(generation));
  }

  /**
   * Runs one command. `configPath` makes it look at another configuration than the live one.
   * Without the unit's variables it would report references as unresolved (facts: openclaw.md 3).
   */
  async run(
    args: readonly string[],
    options: { readonly configPath?: string; readonly timeoutSeconds?: number } = {},
  ): Promise<Answer> {
    const { nodePath, cliPath } = this.#generation.manifest;
    const user = ownUser();
    const result = await exec([nodePath, cliPath, ...args], {
      env: {
        ...userEnvironment(user),
        ...Object.fromEntries(this.#variables),
        PATH: `${dirname(nodePath)}:/usr/local/bin:/usr/bin:/bin`,
        TMPDIR: join(user.home, ".openclaw/tmp"),
        NODE_COMPILE_CACHE: join(user.home, ".cache/openclaw-compile"),
        OPENCLAW_NO_AUTO_UPDATE: "1",
        OPENCLAW_SUPERVISOR_MODE: "external",
        ...(options.configPath === undefined ? {} : { OPENCLAW_CONFIG_PATH: options.configPath }),
      },
      cwd: "/",
      timeoutSeconds: options.timeoutSeconds ?? 60,
      keepBytes: 4 * 1024 * 1024,
    });
    return { result, json: parse(result.stdout) };
  }

  /** Takes every credential of this generation out of a text that is about to be shown. */
  redact(text: string): string {
    return redactSecrets(this.#generation, text);
  }
}

function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout) as unknown;
  } catch {
    return undefined;
  }
}

/** The vendor's own words for what went wrong, one line. */
export function complaint(answer: Answer): string {
  const message = member(answer.json, "error", "message") ?? member(answer.json, "error");
  if (typeof message === "string") return oneLine(message);
  const lines = answer.result.stderr.split("\n").filter((line) => line.trim() !== "");
  return `${describeEnd(answer.result)}${lines.length === 0 ? "" : `, ${oneLine(lines.at(-1) ?? "")}`}`;
}

/** One line of at most 300 characters, without terminal colours. */
export function oneLine(text: string): string {
  const plain = stripVTControlCharacters(text).replace(/\s+/g, " ").trim();
  return plain.length > 300 ? `${plain.slice(0, 299)}…` : plain;
}
