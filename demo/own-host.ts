import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { OperationError } from "../operations/error.ts";
import { runProcess } from "../sandbox/engine/process.ts";
import type { SshAccess } from "../sandbox/node/index.ts";

export interface HostFlags {
  /** `user@host`. */
  readonly host: string;
  readonly port?: number;
  readonly identity?: string;
  readonly hostKey?: string;
}

/**
 * SSH access to a machine of one's own. Without `--host-key` its pinned key comes from `~/.ssh/known_hosts`: a key that
 * was never seen is not trusted.
 * @throws {OperationError} `host` when a part of it is missing.
 */
export async function ownAccess(flags: HostFlags): Promise<SshAccess> {
  const [, user, host] = /^([a-z_][a-z0-9_-]{0,30})@([A-Za-z0-9][A-Za-z0-9._:-]*)$/.exec(flags.host) ?? [];
  if (user === undefined || host === undefined)
    throw bad("--host is not of the form user@host", "for example ops@mini-1");
  const port = flags.port ?? 22;
  const identityFile = resolve(flags.identity ?? join(homedir(), ".ssh", "id_ed25519"));
  const found = await stat(identityFile).catch(() => undefined);
  if (found?.isFile() !== true) throw bad(`there is no private key ${identityFile}`, "name one with --identity FILE");
  const hostKey = flags.hostKey ?? (await knownHostKey(host, port));
  if (hostKey === undefined) {
    throw bad(
      `the host key of ${host} is not known`,
      `compare the key that \`ssh-keyscan -p ${port} -t ed25519 ${host}\` prints with the machine's own, then give it with --host-key`,
    );
  }
  if (!/^ssh-ed25519 [A-Za-z0-9+/]{68}$/.test(hostKey)) {
    throw bad("--host-key is not an ed25519 public key", "give it as `ssh-ed25519 AAAA…`, without the host name");
  }
  return { host, port, user, identityFile, hostKey };
}

async function knownHostKey(host: string, port: number): Promise<string | undefined> {
  const name = port === 22 ? host : `[${host}]:${port}`;
  const found = await runProcess("ssh-keygen", ["-F", name], { timeoutMs: 5000 }).catch(() => undefined);
  return /^\S+ (ssh-ed25519 \S+)/m.exec(found?.stdout ?? "")?.[1];
}

function bad(message: string, fix: string): OperationError {
  return OperationError.of("host", message, fix);
}
