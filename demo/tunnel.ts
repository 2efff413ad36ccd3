import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import ssh2 from "ssh2";
import { NodeError, type SshAccess } from "../sandbox/node/index.ts";
import { publicKeyBlob } from "../sandbox/node/keys.ts";

/**
 * Makes a loopback port of a machine lead to one of this machine, as `ssh -R` does, until the returned function is called.
 * @throws {NodeError} when the machine can't be reached or refuses the port.
 */
export async function openTunnel(ssh: SshAccess, remotePort: number, localPort: number): Promise<() => void> {
  const privateKey = await readFile(ssh.identityFile);
  const pinned = publicKeyBlob(ssh.hostKey);
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const fail = (error: Error): void => {
      client.destroy();
      const what = `no tunnel from ${ssh.host}:${remotePort} to the model provider here: ${error.message}`;
      reject(new NodeError(what, "does its sshd allow TCP forwarding, and is that port free there?", { cause: error }));
    };
    client.on("error", fail);
    client.on("tcp connection", (_details, accept, refuse) => {
      const local = connect(localPort, "127.0.0.1");
      local.once("error", () => {
        refuse();
      });
      local.once("connect", () => {
        const remote = accept();
        remote.on("error", () => local.destroy());
        local.on("error", () => remote.destroy());
        remote.pipe(local).pipe(remote);
      });
    });
    client.on("ready", () => {
      client.forwardIn("127.0.0.1", remotePort, (error) => {
        if (error !== undefined) fail(error);
        else resolve(() => client.end());
      });
    });
    client.connect({
      host: ssh.host,
      port: ssh.port,
      username: ssh.user,
      privateKey,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (shown: Buffer) => shown.equals(pinned),
    });
  });
}
