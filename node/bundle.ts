import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

export interface NodeProgram {
  /** One ES module without imports other than `node:` ones. */
  readonly programText: string;
  /** SHA-256 of the text, hex: its first 16 digits name the program's directory on the node. */
  readonly hash: string;
}

const directory = fileURLToPath(new URL(".", import.meta.url));

/** Operator side: bundles `node/main.ts`. The same sources give the same bytes on every machine. */
export function bundleNodeProgram(): NodeProgram {
  return bundle("main.ts");
}

/**
 * Bundles `node/launch/main.ts`: a module of its own, so that a new version of the on-node program restarts no gateway
 * whose launcher is the same.
 */
export function bundleLauncher(): NodeProgram {
  return bundle("launch/main.ts");
}

function bundle(entryPoint: string): NodeProgram {
  const result = buildSync({
    absWorkingDir: directory,
    entryPoints: [entryPoint],
    bundle: true,
    minify: true,
    // Names of error classes are part of messages.
    keepNames: true,
    legalComments: "none",
    sourcemap: false,
    platform: "node",
    target: "node24",
    format: "esm",
    charset: "utf8",
    treeShaking: true,
    tsconfigRaw: "{}",
    write: false,
    logLevel: "silent",
  });
  const programText = result.outputFiles[0]?.text ?? "";
  return { programText, hash: createHash("sha256").update(programText).digest("hex") };
}
