import { constants } from "node:os";
import type { Client, ClientChannel } from "ssh2";
import { PluginError } from "../shared/plugin-error.ts";
import { confirmEnvironment } from "./environment.ts";

/** Bytes kept of stdout and of stderr. */
export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface SessionOptions {
  readonly stdin: string;
  /** Variables that must be accepted. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables whose refusal is only reported. */
  readonly optionalEnvironment: Readonly<Record<string, string>>;
  readonly onOutput: (stream: "stdout" | "stderr", text: string) => void;
  readonly onRefusedOptional: (names: readonly string[]) => void;
}

export interface SessionResult {
  /** Undefined for exit status 0, else the wording of Go's SSH library. */
  readonly failure?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams in order of arrival. */
  readonly combined: string;
}

/**
 * Runs one command: writes stdin in full, then EOF, and collects both streams to the end.
 * @throws {PluginError} when the session can't be opened, a variable is refused, or more than 16 MiB come.
 */
export function runSession(client: Client, command: string, options: SessionOptions): Promise<SessionResult> {
  return new Promise((resolve, reject) => {
    const lost = (): void => {
      reject(new PluginError("the SSH connection was lost before the command started"));
    };
    client.once("close", lost);
    const variables = { ...options.optionalEnvironment, ...options.environment };
    if (Object.keys(variables).length > 0) {
      confirmEnvironment(client, ({ refused }) => {
        const required = refused.find((name) => name in options.environment);
        if (required !== undefined) {
          reject(
            new PluginError(
              `could not set environment variable "${required}": ssh: setenv failed; the server must name it in AcceptEnv`,
            ),
          );
          return false;
        }
        if (refused.length > 0) options.onRefusedOptional(refused);
        return true;
      });
    }
    client.exec(command, { env: variables }, (error, channel) => {
      client.off("close", lost);
      if (error) reject(new PluginError(`ssh: the command could not be started: ${error.message}`));
      else collect(channel, options).then(resolve, reject);
    });
  });
}

function collect(channel: ClientChannel, options: SessionOptions): Promise<SessionResult> {
  return new Promise((resolve, reject) => {
    const chunks: { stream: "stdout" | "stderr"; data: Buffer }[] = [];
    const sizes = { stdout: 0, stderr: 0 };
    let exit: { status: number | undefined; signal: string | undefined } | undefined;
    const take = (stream: "stdout" | "stderr", data: Buffer): void => {
      sizes[stream] += data.length;
      if (sizes[stream] > MAX_OUTPUT_BYTES) {
        channel.close();
        reject(new PluginError(`the command wrote more than 16 MiB to ${stream}`));
        return;
      }
      chunks.push({ stream, data });
      options.onOutput(stream, data.toString("utf8"));
    };
    channel.on("data", (data: Buffer) => {
      take("stdout", data);
    });
    channel.stderr.on("data", (data: Buffer) => {
      take("stderr", data);
    });
    channel.on("error", () => {
      // a peer that stops reading stdin is not an error: the exit status or its absence decides
    });
    channel.once("exit", (status: number | null, signal?: string) => {
      exit = { status: status ?? undefined, signal };
    });
    channel.once("close", () => {
      const only = (stream?: "stdout" | "stderr"): string =>
        Buffer.concat(chunks.filter((chunk) => !stream || chunk.stream === stream).map(({ data }) => data)).toString();
      const failure = failureOf(exit);
      resolve({
        stdout: only("stdout"),
        stderr: only("stderr"),
        combined: only(),
        ...(failure === undefined ? {} : { failure }),
      });
    });
    channel.end(options.stdin);
  });
}

function failureOf(exit: { status: number | undefined; signal: string | undefined } | undefined): string | undefined {
  if (!exit) return "wait: remote command exited without exit status or exit signal";
  if (exit.signal !== undefined) {
    const signal = exit.signal.replace(/^SIG/, "");
    const number = (constants.signals as Record<string, number>)[`SIG${signal}`];
    return `Process exited with status ${128 + (number ?? 0)} from signal ${signal}`;
  }
  return exit.status === 0 ? undefined : `Process exited with status ${exit.status ?? "unknown"}`;
}
