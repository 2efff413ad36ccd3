import type { Client } from "ssh2";
import { RESULT_MARK } from "../node/protocol.ts";
import type { PhaseResult, VisitName } from "../node/protocol.ts";
import type { VisitTypes } from "../node/visits.ts";
import { visitCommand } from "../render/program-command.ts";
import { dial } from "../sandbox/plugins/command/dial.ts";
import type { SshConnection } from "../sandbox/plugins/command/dial.ts";
import type { Connection } from "../sandbox/plugins/command/inputs.ts";
import { runSession } from "../sandbox/plugins/command/session.ts";

/** Why a node gave no answer. */
export interface Unreachable {
  readonly kind: "host key" | "no connection" | "no answer";
  readonly message: string;
  readonly fix: string;
}

export function isUnreachable(answer: object): answer is Unreachable {
  return "kind" in answer && "fix" in answer;
}

/** The one SSH connection of a visit, with the node's pinned host key; why there is none where there is none. */
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

/** What a visit is: which program of the node is called, what it is sent, and who sees its progress lines. */
export interface VisitCall<N extends VisitName> {
  /** Directory name of the on-node program. */
  readonly programId: string;
  readonly name: N;
  readonly payload: VisitTypes[N]["payload"];
  readonly progress: (line: string) => void;
}

/** Runs one visit of the on-node program. */
export async function runVisit<N extends VisitName>(
  client: Client,
  { programId, name, payload, progress }: VisitCall<N>,
): Promise<VisitTypes[N]["result"] | Unreachable> {
  let rest = "";
  const { stdout } = await runSession(client, visitCommand(programId, name), {
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
    return { kind: "no answer", message: "the program on the node gave no result", fix: nothing };
  const result = JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<VisitTypes[N]["result"]>;
  if (result.ok) return result.value;
  return { kind: "no answer", message: `${result.error.message} [${result.error.code}]`, fix: result.error.fix };
}
