import type { VerdictName } from "../operations/diagnose/table.ts";

/**
 * The faults that `test/engine/diagnose-corpus.test.ts` plants on a live node, with what `gatehouse diagnose` has to say of
 * each. docs/how-to/unauthorized-or-no-api-key.md shows this table; a unit test compares the two.
 */
export interface CorpusRow {
  readonly fault: string;
  readonly verdict: VerdictName;
  readonly code: string;
  /** With the placeholders of the decision table. */
  readonly firstCommand: string;
}

const GATEWAY = "openclaw gateway status";
const PROVIDER = "openclaw models status --check --agent AGENT";
const IDENTITY = "which -a openclaw node; systemctl --user show UNIT --property=Environment";
const CONFIG = "openclaw config validate";

const row = (fault: string, verdict: VerdictName, code: string, firstCommand: string): CorpusRow => ({
  ...{ fault, verdict, code, firstCommand },
});

export const CORPUS = {
  wrongToken: row("another token in the file and in the process", "gateway session", "token-different", GATEWAY),
  emptyToken: row("an empty token", "gateway session", "token-empty", GATEWAY),
  tokenNotRestarted: row(
    "a token rotated in the file, not restarted",
    "gateway session",
    "token-not-restarted",
    GATEWAY,
  ),
  tokenInConfig: row("a token written into openclaw.json", "gateway session", "token-in-configuration", GATEWAY),
  unitStopped: row("the unit stopped", "gateway session", "unit-stopped", GATEWAY),
  keyMissing: row("a key that never reached the service", "provider credential", "key-missing", PROVIDER),
  keyInFileWrong: row("another key in the key file", "provider credential", "key-different", PROVIDER),
  keyRefused: row(
    "a key that the provider refuses, and OpenClaw lets rest",
    "provider credential",
    "key-refused",
    PROVIDER,
  ),
  keyShadowed: row("a drop-in's file replaces the key", "provider credential", "key-shadowed", PROVIDER),
  keyOfAnother: row("another agent's key in the variable", "provider credential", "key-of-another", PROVIDER),
  profileOfAnother: row(
    "a profile that takes another agent's variable",
    "provider credential",
    "key-of-another-agent",
    PROVIDER,
  ),
  staleProcess: row("a process older than the key in its file", "provider credential", "key-stale-process", PROVIDER),
  ambientKey: row("a key of no agent in the service", "provider credential", "ambient-key", PROVIDER),
  secondOpenclaw: row("a second OpenClaw on the user's PATH", "dual identity", "second-openclaw", IDENTITY),
  nodeOfUnit: row("Node 20 first on the unit's PATH", "dual identity", "another-node", IDENTITY),
  nodeOfShell: row("Node 20 first in the user's login shell", "dual identity", "shell-node", IDENTITY),
  nodeOfOperator: row("Node 20 first in the operator's shell", "dual identity", "shell-node", IDENTITY),
  configBroken: row("a broken configuration that was read", "config or disk", "config-invalid", CONFIG),
  configBrokenUnread: row("a broken configuration, not read yet", "config or disk", "config-invalid", CONFIG),
  configUnread: row("a valid edit that the process never read", "config or disk", "edited", CONFIG),
  worldReadable: row("a configuration that others can read", "config or disk", "files", "stat on the paths above"),
  wrongOwner: row("a configuration that belongs to root", "config or disk", "files", "stat on the paths above"),
  dropIn: row("a drop-in", "config or disk", "drop-in", "systemctl --user cat UNIT"),
  unitNotReloaded: row("a unit edited, not reloaded", "config or disk", "needs-reload", "systemctl --user cat UNIT"),
  dotenv: row("a .env that names the token", "config or disk", "dotenv", "ls -l ~/.openclaw/.env"),
  unitDisabled: row("the unit disabled", "config or disk", "unit-disabled", "systemctl --user is-enabled UNIT"),
  portTaken: row("the port taken by another user", "host", "port-taken", "ss -ltnp"),
  lingerOff: row("linger off", "host", "linger-off", "loginctl show-user USER --property=Linger"),
  clockSkew: row("a clock that is wrong", "host", "clock-skew", "timedatectl"),
  diskFull: row("a full disk", "host", "disk-full", "df -h ~USER"),
  noInodes: row("no inodes left", "host", "inodes-used-up", "df -i ~USER"),
} as const satisfies Readonly<Record<string, CorpusRow>>;

export type FaultName = keyof typeof CORPUS;
