import { exec, type ExecResult } from "../node/lib/exec.ts";
import { ReadFailure, type FailureKind, type ReadContext } from "./failure.ts";

/** Beside a tool's own variables: where it finds its programs, its configuration and the desktop's agent. */
const ORDINARY = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"],
  ...["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"],
];
const KEEP_BYTES = 256 * 1024;

/** A vendor's command line that prints a secret. */
export interface Tool {
  /** As people know it. */
  readonly name: string;
  /** How to sign in, for the failure texts. */
  readonly login: string;
  /** Names of variables that it may read; a trailing `*` stands for any ending. */
  readonly variables: readonly string[];
  /** What its stderr says of a failure; the first that matches counts. */
  readonly complaints: readonly (readonly [RegExp, FailureKind])[];
}

/** The variables that a tool may see: nothing else of this process reaches it. */
function environment(tool: Tool, { env }: ReadContext, more: Readonly<Record<string, string>>): Record<string, string> {
  const allowed = [...ORDINARY, ...tool.variables];
  const fits = (name: string): boolean =>
    allowed.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
  const own = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && fits(name) ? [[name, value] as const] : [],
  );
  return { ...Object.fromEntries(own), ...more };
}

/** What to do about a failure, by its kind. */
export function fixFor(kind: FailureKind, { name, login }: Pick<Tool, "name" | "login">): string {
  switch (kind) {
    case "not signed in":
      return `sign in: ${login}`;
    case "denied":
      return `the account that ${name} is signed in with may not read it: ask for read access, or sign in with another one (${login})`;
    case "not found":
      return "correct the reference, or create the secret there";
    case "no answer":
      return `is ${name} reachable from here (network, proxy, VPN)? Then run the same command again`;
    case "tool missing":
      return `install ${name} and put it on PATH; ${login}`;
    case "unusable":
      return "the secret is there, but is no text that can be trusted: look at it with the tool itself, and store the key as plain text";
    case "unknown":
      return `run the tool by hand to see its own message; ${login}`;
  }
}

/** A failure of a tool; its stderr is never shown, since it may quote what it read. */
export function toolFailure(tool: Pick<Tool, "name" | "login">, kind: FailureKind, message: string): ReadFailure {
  return new ReadFailure(kind, message, fixFor(kind, tool));
}

/**
 * Runs a vendor's command line without a shell, without input and with its own variables only.
 * @returns SECRET: what it printed.
 * @throws {ReadFailure} when it is not installed, ends with an error, takes too long or prints too much.
 */
export async function runTool(
  tool: Tool,
  argv: readonly [string, ...string[]],
  context: ReadContext,
  more: Readonly<Record<string, string>> = {},
): Promise<Pick<ExecResult, "stdout" | "stderr">> {
  const result = await exec(argv, {
    env: environment(tool, context, more),
    timeoutSeconds: context.seconds,
    keepBytes: KEEP_BYTES,
  }).catch((error: unknown) => {
    const { code = "error" } = error as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? toolFailure(tool, "tool missing", `${argv[0]} is not on PATH`)
      : toolFailure(tool, "tool missing", `${argv[0]} can't be started (${code})`);
  });
  if (result.status === 0 && !result.truncated) return result;
  throw failureOf(tool, argv[0], result);
}

function failureOf(tool: Tool, program: string, result: ExecResult): ReadFailure {
  if (result.timedOut) return toolFailure(tool, "no answer", `${program} gave no answer in time`);
  if (result.status === 0) return toolFailure(tool, "unusable", `${program} printed more than a key can have`);
  const [, kind] = tool.complaints.find(([pattern]) => pattern.test(result.stderr)) ?? [undefined, "unknown" as const];
  const ending = result.status === null ? `signal ${result.signal ?? "?"}` : `exit ${result.status}`;
  return toolFailure(
    tool,
    kind,
    kind === "unknown" ? `${program} failed (${ending})` : `${kind} (${program}, ${ending})`,
  );
}

/** Parses what a tool printed. @throws {ReadFailure} `unusable`. */
export function json(tool: Tool, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw toolFailure(tool, "unusable", `${tool.name} printed no JSON`);
  }
}

/** @throws {ReadFailure} `unusable` for anything but text. */
export function textOf(tool: Pick<Tool, "name" | "login">, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw toolFailure(tool, "unusable", value === "" ? "the secret is empty" : "the secret is no text");
}
