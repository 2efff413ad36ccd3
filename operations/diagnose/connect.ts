import type { Client } from "ssh2";
import { RESULT_MARK } from "../../node/protocol.ts";
import type { PhaseResult } from "../../node/protocol.ts";
import type { NodeEvidence } from "../../node/diagnose/evidence.ts";
import { dial } from "../../sandbox/plugins/command/dial.ts";
import type { SshConnection } from "../../sandbox/plugins/command/dial.ts";
import type { Connection } from "../../sandbox/plugins/command/inputs.ts";
import { runSession } from "../../sandbox/plugins/command/session.ts";
import type { Unreachable } from "./evidence.ts";

/** The one SSH connection of a diagnosis, with the node's pinned host key; why there is none where there is none. */
export async function connectTo(
  connection: Connection,
  signal: AbortSignal,
): Promise<{ readonly ssh: SshConnection } | { readonly unreachable: Unreachable }> {
  try {
    return { ssh: await dial(connection, signal) };
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : "no connection";
    if (message.includes("host key mismatch")) {
      return {
        unreachable: {
          kind: "host key",
          message,
          fix: "find out where the address leads (DNS, a replaced machine): docs/how-to/replaced-machine.md",
        },
      };
    }
    return {
      unreachable: { kind: "no connection", message, fix: "check address, network and sshd of the node" },
    };
  }
}

/** Runs the collector; its progress lines go to `progress`. */
export async function collect(
  client: Client,
  { command, payload }: { readonly command: string; readonly payload: unknown },
  progress: (line: string) => void,
): Promise<NodeEvidence | Unreachable> {
  let rest = "";
  const { stdout } = await runSession(client, command, {
    stdin: JSON.stringify(payload),
    environment: {},
    optionalEnvironment: {},
    onOutput: (stream, text) => {
      if (stream !== "stderr") return;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) progress(line.replace(/^gatehouse: /, ""));
    },
    onRefusedOptional: () => undefined,
  });
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  const nothing = "look at the lines above; does the login shell of the SSH user print anything by itself?";
  if (!line.startsWith(RESULT_MARK))
    return { kind: "no answer", message: "the collector gave no result", fix: nothing };
  const result = JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<NodeEvidence>;
  if (result.ok) return result.value;
  return { kind: "no answer", message: `${result.error.message} [${result.error.code}]`, fix: result.error.fix };
}
