import { connect } from "node:net";
import { failed, type Output } from "../programs/output.ts";
import { PATHS } from "../paths.ts";
import type { Reply, Request } from "./verbs.ts";

/** Asks the stand-in's launchd and waits for its answer, which may take minutes (facts/macos.md 1.3). */
export function askLaunchd(argv: readonly string[]): Promise<Output> {
  const request: Request = {
    argv,
    uid: process.getuid?.() ?? 0,
    cwd: process.cwd(),
    caller: `launchctl[${process.pid}]`,
  };
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(PATHS.socket, () => {
      socket.end(JSON.stringify(request));
    });
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", (error) => {
      resolve(failed(125, `stand-in launchctl: no launchd: ${error.message}\n`));
    });
    socket.on("end", () => {
      resolve(text === "" ? failed(125, "stand-in launchctl: launchd is going down\n") : (JSON.parse(text) as Reply));
    });
  });
}
