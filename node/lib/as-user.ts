import { EXIT, RESULT_MARK } from "../protocol.ts";
import type { PhaseError, PhaseResult } from "../protocol.ts";
import { currentPlatform, PLATFORM_VARIABLE } from "../platform/index.ts";
import type { OsUser } from "../platform/index.ts";
import { describeEnd, exec } from "./exec.ts";
import { PhaseFailure } from "./failure.ts";
import { nodePaths } from "./paths.ts";
import { LINK_DESCRIPTOR, LINK_VARIABLE, serveRequests } from "./root-link.ts";
import type { ExitStatus } from "./failure.ts";

export interface AsUserOptions {
  /** Seconds until the user-side process is killed; default 60. */
  readonly timeoutSeconds?: number;
}

/** Runs a registered user command as that user and returns its result; a failure over there is thrown here unchanged. */
export type RunAsUser = (user: OsUser, command: string, payload: unknown, options?: AsUserOptions) => Promise<unknown>;

/** Environment of everything that runs as a gateway user. */
export function userEnvironment(user: OsUser): Record<string, string> {
  return currentPlatform().userEnvironment(user);
}

function isExitStatus(status: number | null): status is ExitStatus {
  return (Object.values(EXIT) as (number | null)[]).includes(status);
}

/** Finds the result line; undefined when the process died before it printed one. */
export function parseResult(stdout: string): PhaseResult<unknown> | undefined {
  const line = stdout.trimEnd().split("\n").at(-1);
  if (line?.startsWith(RESULT_MARK) !== true) return undefined;
  return JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<unknown>;
}

function failureFrom(error: PhaseError, status: number | null): PhaseFailure {
  return new PhaseFailure({ ...error, exit: isExitStatus(status) ? status : EXIT.software });
}

/**
 * Starts this same program as another user (`program` is its file, run by the Node that runs us): the root process
 * itself never touches a directory that the user controls. Payload on stdin, result on stdout, progress on stderr.
 */
export function runAsUserWith(program: string, onStderrLine: (line: string) => void): RunAsUser {
  return async (user, command, payload, options) => {
    const platform = currentPlatform();
    const handle = await platform.steward.handlerFor({ paths: nodePaths(), programFile: program }, user);
    const result = await exec([process.execPath, ...process.execArgv, program, "internal", command], {
      env: {
        ...userEnvironment(user),
        [PLATFORM_VARIABLE]: platform.name,
        ...(handle && { [LINK_VARIABLE]: String(LINK_DESCRIPTOR) }),
      },
      ...(handle && {
        onLink: (socket) => {
          serveRequests(socket, handle);
        },
      }),
      cwd: "/",
      stdin: JSON.stringify(payload),
      timeoutSeconds: options?.timeoutSeconds ?? 60,
      uid: user.uid,
      gid: user.gid,
      keepBytes: 8 * 1024 * 1024,
      onStderrLine,
    });
    const parsed = parseResult(result.stdout);
    if (parsed?.ok === true) return parsed.value;
    if (parsed !== undefined) throw failureFrom(parsed.error, result.status);
    throw new PhaseFailure({
      layer: "host",
      code: result.timedOut ? "timeout" : "user-process",
      message: `the step '${command}' as user ${user.name} ended without a result (${describeEnd(result)})`,
      fix: "look at the progress lines above and at the load and memory of the node, then run the same command again",
    });
  };
}
