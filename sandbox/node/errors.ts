/** The test node can't be built, started or reached. `fix` says what the operator can do. */
export class NodeError extends Error {
  override readonly name: string = "NodeError";
  readonly fix: string;

  constructor(message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.fix = fix;
  }
}

/** A program of the host failed; carries the last lines it printed. */
export class HostCommandFailed extends NodeError {
  override readonly name = "HostCommandFailed";

  constructor(command: string, outcome: string, output: string) {
    const tail = output.trim().split("\n").slice(-8).join("\n");
    super(`${command} failed (${outcome})${tail === "" ? "" : `:\n${tail}`}`, "run it by hand as root to see more");
  }
}

/** The node answered with another host key than the one generated for it. */
export class HostKeyMismatch extends NodeError {
  override readonly name = "HostKeyMismatch";

  constructor(name: string, host: string, port: number) {
    super(
      `${host}:${port} is not the node ${name}: it shows another host key`,
      "another program took the port; destroy the node and start it again on a free one",
    );
  }
}

/** The node did not become ready, or did not stop, in time. */
export class NodeTimeout extends NodeError {
  override readonly name = "NodeTimeout";

  constructor(what: string, milliseconds: number, consoleLog: string) {
    super(`${what} took more than ${Math.round(milliseconds / 1000)} s`, `read the node's console in ${consoleLog}`);
  }
}

/** `code` of a system error (`ENOENT`, …). */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
