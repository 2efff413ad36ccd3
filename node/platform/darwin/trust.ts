import { EXIT } from "../../protocol.ts";
import { describeEnd, exec } from "../../lib/exec.ts";
import { PhaseFailure } from "../../lib/failure.ts";

/** Team of the Node.js Foundation, whose certificate the official binaries carry (facts: macos.md 4). */
const REQUIREMENT = 'anchor apple generic and certificate leaf[subject.OU] = "HX7739G8FX"';
/** Node 24's own floor. */
const FLOOR = [13, 5] as const;

function refused(code: string, message: string, fix: string): PhaseFailure {
  return new PhaseFailure({ layer: "runtime", code, message, fix, exit: EXIT.refused });
}

/** Whether a version, `15.7.2`, is one that Node 24 runs on. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
}

/**
 * Refuses a macOS that is too old, a Node that is not signed by who makes it, and one that macOS would ask a person about.
 * `spctl` is not asked: it refuses good command-line programs.
 * @throws {PhaseFailure} `macos-version`, `signature`, `quarantine`.
 */
export async function checkRuntime(nodePath: string): Promise<void> {
  const version = (await exec(["/usr/bin/sw_vers", "-productVersion"], { timeoutSeconds: 10 })).stdout.trim();
  if (!isSupported(version))
    throw refused(
      "macos-version",
      `this is macOS ${version === "" ? "of an unknown version" : version}`,
      "Node 24 needs macOS 13.5 or newer: update the machine",
    );
  const marked = await exec(["/usr/bin/xattr", "-p", "com.apple.quarantine", nodePath], { timeoutSeconds: 10 });
  if (marked.status === 0)
    throw refused(
      "quarantine",
      `${nodePath} has the quarantine attribute: macOS would ask somebody at the screen before it runs`,
      `find out who put it there, then remove ${nodePath.replace(/\/bin\/node$/, "")} and run the same command again`,
    );
  const signed = await exec(["/usr/bin/codesign", "--verify", "--strict", `-R=${REQUIREMENT}`, nodePath], {
    timeoutSeconds: 60,
  });
  if (signed.status === 0) return;
  throw refused(
    "signature",
    `${nodePath} is not signed by the Node.js Foundation (codesign: ${describeEnd(signed)})`,
    "use the official archives of nodejs.org, or a mirror of them, in `runtime.node.archives`",
  );
}
