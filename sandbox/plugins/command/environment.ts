import type { Client } from "ssh2";

interface PrivateChannel {
  readonly _callbacks: ((failed: boolean | Error) => void)[];
}
interface PrivateProtocol {
  env: (channel: number, name: string, value: string, wantReply: boolean) => void;
  exec: (channel: number, command: string, wantReply: boolean) => void;
}
interface PrivateClient {
  readonly _protocol: PrivateProtocol;
  readonly _chanMgr: { readonly get: (channel: number) => PrivateChannel | undefined };
}

/** What happened to the variables that a session asked for. */
export interface EnvironmentReplies {
  readonly refused: readonly string[];
}

/**
 * Makes the next `client.exec` wait for the server's answer to each `env` request: ssh2 asks for none, and the official
 * plugin must not run the command without its variables. `decide` gets the refused names and says whether to go on.
 * Reaches into ssh2 1.17.0, which has no public way to open a session without starting a command.
 */
export function confirmEnvironment(client: Client, decide: (replies: EnvironmentReplies) => boolean): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as PrivateClient;
  const { env, exec } = protocol;
  const answers: Promise<string | undefined>[] = [];

  protocol.env = (channel, name, value) => {
    env.call(protocol, channel, name, value, true);
    answers.push(
      new Promise((resolve) => {
        channels.get(channel)?._callbacks.push((failed) => {
          resolve(failed === false ? undefined : name);
        });
      }),
    );
  };
  protocol.exec = (channel, command, wantReply) => {
    void Promise.all(answers).then((refused) => {
      if (decide({ refused: refused.filter((name) => name !== undefined) })) {
        exec.call(protocol, channel, command, wantReply);
      }
    });
  };
}
