import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  Provider,
  UpdateResult,
} from "@pulumi/pulumi/provider/provider.js";
import { NotServedError, PluginError } from "../shared/plugin-error.ts";
import { nameOf, typeOf } from "../shared/urn.ts";
import { holdsSecret, reveal, type WireObject } from "../shared/wire.ts";
import { dial } from "./dial.ts";
import { lineWriter, type EngineLog } from "./engine-log.ts";
import { changedInputs, checkInputs, readInputs, type CommandInputs } from "./inputs.ts";
import { runSession, type SessionResult } from "./session.ts";

export const VERSION = "1.2.1";
const REMOTE_COMMAND = "command:remote:Command";
/** A gRPC status travels in a header of limited size. */
const MAX_COMMAND_IN_ERROR = 4 * 1024;
const MAX_OUTPUT_IN_ERROR = 12 * 1024;

interface Outputs {
  readonly stdout: string;
  readonly stderr: string;
}

/** Stand-in for the official command plugin 1.2.1: remote.Command with the same inputs, outputs, diffs and secrets. */
export function commandProvider(log: EngineLog): Provider {
  const cancelled = new AbortController();

  const run = async (
    urn: string,
    command: "create" | "update" | "delete",
    properties: WireObject,
    previous: Outputs,
  ): Promise<Outputs> => {
    const inputs = readInputs(properties);
    const text = inputs[command];
    if (text === undefined) return previous;
    const connection = await dial(inputs.connection, cancelled.signal);
    const stop = (): void => {
      connection.client.destroy();
    };
    cancelled.signal.addEventListener("abort", stop, { once: true });
    const lines = {
      stdout: lineWriter((line) => {
        log.write("info", urn, line);
      }),
      stderr: lineWriter((line) => {
        log.write("info", urn, line);
      }),
    };
    try {
      const result = await runSession(connection.client, text, {
        stdin: inputs.stdin ?? "",
        environment: inputs.environment ?? {},
        optionalEnvironment: previousOutput(inputs, previous),
        onOutput: (stream, output) => {
          if (isLogged(inputs, stream)) lines[stream].push(output);
        },
        onRefusedOptional: (names) => {
          log.write(
            "warning",
            urn,
            `Unable to set ${names.join(", ")}: the SSH server does not accept them (AcceptEnv)`,
          );
        },
      });
      lines.stdout.end();
      lines.stderr.end();
      if (result.failure !== undefined) throw commandError(result, text, holdsSecret(properties[command]));
      return { stdout: result.stdout.replace(/\n$/, ""), stderr: result.stderr.replace(/\n$/, "") };
    } finally {
      cancelled.signal.removeEventListener("abort", stop);
      connection.close();
    }
  };

  return {
    version: VERSION,
    check: async (urn: string, _olds: WireObject, news: WireObject): Promise<CheckResult> => {
      onlyRemoteCommand(urn);
      return checkInputs(news);
    },
    diff: async (_id: string, urn: string, olds: WireObject, news: WireObject): Promise<DiffResult> => {
      onlyRemoteCommand(urn);
      const changed = changedInputs(olds, news, isDeepStrictEqual);
      return { changes: changed.length > 0, replaces: changed.filter((name) => name === "triggers") };
    },
    create: async (urn: string, inputs: WireObject): Promise<CreateResult> => {
      onlyRemoteCommand(urn);
      const outputs = await run(urn, "create", inputs, { stdout: "", stderr: "" });
      return { id: `${nameOf(urn)}${randomBytes(4).toString("hex")}`, outs: { ...inputs, ...outputs } };
    },
    update: async (_id: string, urn: string, olds: WireObject, news: WireObject): Promise<UpdateResult> => {
      onlyRemoteCommand(urn);
      const command = readInputs(news).update === undefined ? "create" : "update";
      const outputs = await run(urn, command, news, recordedOutputs(olds));
      return { outs: { ...news, ...outputs } };
    },
    delete: async (_id: string, urn: string, properties: WireObject): Promise<void> => {
      onlyRemoteCommand(urn);
      await run(urn, "delete", properties, recordedOutputs(properties));
    },
    invoke: async (token: string): Promise<never> => {
      throw new NotServedError(token, "command", VERSION);
    },
    cancel: async (): Promise<void> => {
      cancelled.abort();
    },
  };
}

function onlyRemoteCommand(urn: string): void {
  if (typeOf(urn) !== REMOTE_COMMAND) throw new NotServedError(typeOf(urn), "command", VERSION);
}

function recordedOutputs(state: WireObject): Outputs {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return { stdout: text(reveal(state["stdout"])), stderr: text(reveal(state["stderr"])) };
}

function previousOutput(inputs: CommandInputs, previous: Outputs): Record<string, string> {
  if (inputs.addPreviousOutputInEnv === false) return {};
  return {
    ...(previous.stdout !== "" && { PULUMI_COMMAND_STDOUT: previous.stdout }),
    ...(previous.stderr !== "" && { PULUMI_COMMAND_STDERR: previous.stderr }),
  };
}

function isLogged(inputs: CommandInputs, stream: "stdout" | "stderr"): boolean {
  const logging = inputs.logging ?? "stdoutAndStderr";
  return logging === "stdoutAndStderr" || logging === stream;
}

function commandError(result: SessionResult, command: string, secret: boolean): PluginError {
  const shown = secret ? "[secret]" : JSON.stringify(shorten(command, MAX_COMMAND_IN_ERROR));
  return new PluginError(
    `${result.failure ?? ""}: running ${shown}:\n${shorten(result.combined, MAX_OUTPUT_IN_ERROR)}`,
  );
}

/** Keeps the beginning and, three times as much, the end. */
function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const head = Math.floor(limit / 4);
  const omitted = text.length - limit;
  return `${text.slice(0, head)}\n… ${omitted} characters left out …\n${text.slice(text.length - (limit - head))}`;
}
