import type { Platform } from "../spec/index.ts";
import { COMMANDS } from "./commands.ts";
import type { Machine } from "./machine.ts";

export interface Turn {
  /** The agent answered. */
  readonly ok: boolean;
  readonly seconds: number;
  /** Why not; empty after an answer. Never a key. */
  readonly detail: string;
}

/** Whose agent; `linux` by default. */
export interface TurnGateway {
  readonly user: string;
  readonly platform?: Platform;
}

const TURN_MS = 120_000;

/** Runs as root; the command line then has the unit's variables, and nothing else of this environment. */
function script(platform: Platform): string {
  const { home, asUser, environmentFile } = COMMANDS[platform];
  return `set -eu
${home}
${asUser} HOME="$home" USER="$1" \\
  PATH=/usr/local/bin:/usr/bin:/bin TMPDIR="$home/.openclaw/tmp" NODE_COMPILE_CACHE="$home/.cache/openclaw-compile" \\
  sh -c '
    cd "$HOME"
    set -a; . ${environmentFile}; set +a
    field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" .gatehouse/current/manifest.json; }
    exec "$(field nodePath)" "$(field cliPath)" agent --agent "$1" --message ping --json </dev/null
  ' sh "$2"
`;
}

/** One real turn of an agent through its gateway: OpenClaw's own `openclaw agent`, as the gateway user. */
export async function agentTurn(
  machine: Pick<Machine, "exec">,
  { user, platform = "linux" }: TurnGateway,
  agent: string,
): Promise<Turn> {
  const started = performance.now();
  const { code, stderr } = await machine.exec(`sh -s -- ${user} ${agent}`, {
    stdin: script(platform),
    timeoutMs: TURN_MS,
  });
  const seconds = (performance.now() - started) / 1000;
  if (code === 0) return { ok: true, seconds, detail: "" };
  return { ok: false, seconds, detail: `no answer (exit ${code})${reasonIn(stderr)}` };
}

const REASON = "[openclaw] Reason: ";

/** The vendor's own reason where it gives one, else its last line. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const reason = lines.findLast((line) => line.startsWith(REASON))?.slice(REASON.length) ?? lines.at(-1) ?? "";
  return reason === "" ? "" : `: ${reason.slice(0, 400)}`;
}
