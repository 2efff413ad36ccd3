import { readFile } from "node:fs/promises";
import ssh2 from "ssh2";
import { HostKeyMismatch, NodeError } from "./errors.ts";
import { publicKeyBlob } from "./keys.ts";

/** How to reach the node: what a stack's connection needs. */
export interface SshAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Path of the private key, 0600. */
  readonly identityFile: string;
  /** `ssh-ed25519 AAAA…`: the only key the node may show. */
  readonly hostKey: string;
}

export interface ExecResult {
  /** Exit status; 128 plus the signal's number is not imitated: a signal gives 255. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly stdin?: string | Buffer;
  /** Milliseconds for the whole command, by default 10 minutes. */
  readonly timeoutMs?: number;
}

const HANDSHAKE_TIMEOUT_MS = 20_000;
const COMMAND_TIMEOUT_MS = 10 * 60_000;

/**
 * Runs one command line in the user's shell, over a connection of its own.
 * @throws {HostKeyMismatch} when another machine answers.
 * @throws {NodeError} when no connection comes about, it breaks, or the command outlives `timeoutMs`.
 */
export async function execOverSsh(
  name: string,
  access: SshAccess,
  command: string,
  options: ExecOptions = {},
): Promise<ExecResult> {
  const privateKey = await readFile(access.identityFile);
  const pinned = publicKeyBlob(access.hostKey);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let foreign = false;
    const fail = (what: string, cause?: Error): void => {
      clearTimeout(timer);
      client.destroy();
      const fix = "is the node running? its console is in console.log of the state directory";
      reject(
        foreign
          ? new HostKeyMismatch(name, access.host, access.port)
          : new NodeError(`${name}: ${what}`, fix, cause === undefined ? undefined : { cause }),
      );
    };
    const timer = setTimeout(() => {
      fail("the command took too long");
    }, options.timeoutMs ?? COMMAND_TIMEOUT_MS);
    client.on("error", (error) => {
      fail(`no ssh connection: ${error.message}`, error);
    });
    client.on("close", () => {
      fail("the ssh connection was closed before the command ended");
    });
    client.on("ready", () => {
      client.exec(command, (error, channel) => {
        if (error !== undefined) {
          fail(`the command was refused: ${error.message}`, error);
          return;
        }
        let stdout = "";
        let stderr = "";
        let code = 255;
        channel.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        channel.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        channel.on("exit", (status: number | null) => (code = status ?? 255));
        channel.on("close", () => {
          clearTimeout(timer);
          resolve({ code, stdout, stderr });
          client.end();
        });
        channel.end(options.stdin ?? "");
      });
    });
    client.connect({
      host: access.host,
      port: access.port,
      username: access.user,
      privateKey,
      readyTimeout: HANDSHAKE_TIMEOUT_MS,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (shown: Buffer) => {
        foreign = !shown.equals(pinned);
        return !foreign;
      },
    });
  });
}
