import type { Failure } from "./error.ts";

interface Hint {
  readonly code: string;
  readonly pattern: RegExp;
  /** What the operator can do; `$<name>` stands for a group of the pattern. */
  readonly fix: string;
}

/**
 * Texts of the SSH client of the command provider (official and stand-in) and of the engine. The first match counts, so
 * the narrow ones come first.
 */
const HINTS: readonly Hint[] = [
  {
    code: "host-key",
    pattern: /host key mismatch|no common algorithm for host key/,
    fix:
      "if the machine was reinstalled on purpose, read its key on its console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) " +
      "and put it into connection.hostKey; otherwise someone may be in between: do not go on",
  },
  {
    code: "key-refused",
    pattern: /unable to authenticate/,
    fix: "check connection.user and that the public half of connection.privateKey (or a key of the SSH agent) is in its authorized_keys; it was tried once",
  },
  {
    code: "unreachable",
    pattern:
      /connection refused|no route to host|network is unreachable|i\/o timeout|no such host|connection reset by peer|no SSH answer|closed the connection/,
    fix: "check connection.host and connection.port, that the machine is up and sshd listens, and any VPN or jump host; then run the same command again",
  },
  {
    code: "connection-cut",
    pattern: /exited without exit status or exit signal|connection lost|unexpected packet in response|\bEOF\b/,
    fix: "the SSH connection broke in the middle of a phase; run the same command again, it continues where it can",
  },
  {
    code: "no-sudo",
    pattern: /sudo: .*(password is required|a terminal is required|not allowed|may not run)|not in the sudoers file/,
    fix: "give connection.user `sudo` without a password (NOPASSWD), or connect as root",
  },
  {
    code: "disk-full",
    pattern: /No space left on device|ENOSPC/,
    fix: "free space on that machine (`df -h`), then run the same command again",
  },
  {
    code: "passphrase",
    pattern: /incorrect passphrase|passphrase must be set/,
    fix:
      "the stack was made with another passphrase: restore the `passphrase` file of its state directory, or set " +
      "PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it (and unset PULUMI_CONFIG_PASSPHRASE if it is another one)",
  },
  {
    code: "locked",
    pattern: /the stack is currently locked by|Another update is currently in progress/,
    fix: "wait for the other run to end; if there is none, remove its lock with `pulumi cancel`",
  },
  {
    code: "missing-secret",
    pattern: /Missing required configuration variable '(?<key>[^']+)'/,
    fix: "set it: `pulumi config set --secret $<key>`",
  },
  {
    code: "other-stack",
    pattern: /unknown stack "(?<name>[^"]+)"/,
    fix: "correct $<name> in `otherStacks`, or log in to the backend that has it; what it shares with this fleet cannot be judged without",
  },
  {
    code: "interrupted",
    pattern: /(update|preview|destroy) cancell?ed|^Command was killed with /,
    fix: "run the same command again: it continues where it can",
  },
  {
    code: "internal",
    pattern: /^Unhandled exception: /,
    fix: "this is a defect of the program: report it with the text above",
  },
  {
    code: "plugin",
    pattern: /could not (load|find) plugin|no resource plugin|Could not automatically download/,
    fix: "install the plugin that is named, or choose the air-gapped stand-ins (`--plugins stand-in`)",
  },
];

/** The known cause behind a text of the engine or of a provider, if there is one. The message is the text itself. */
export function hintFor(text: string): Failure | undefined {
  for (const { code, pattern, fix } of HINTS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const filled = fix.replaceAll(/\$<(\w+)>/g, (_, name: string) => match.groups?.[name] ?? "");
    return { code, message: sentence(text, match.index), fix: filled };
  }
  return undefined;
}

/** The line around the match; engine texts carry the whole command and its output besides. */
function sentence(text: string, index: number): string {
  const start = text.lastIndexOf("\n", index) + 1;
  const end = text.indexOf("\n", index);
  return text
    .slice(start, end < 0 ? undefined : end)
    .replace(/^[\s*]*(error: )?/, "")
    .trim();
}
