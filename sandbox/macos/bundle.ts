import { fileURLToPath } from "node:url";
import { buildSync, type BuildOptions } from "esbuild";

function bundle(entryPoint: string, options: BuildOptions): string {
  const result = buildSync({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: [entryPoint],
    bundle: true,
    platform: "node",
    target: "node24",
    charset: "utf8",
    tsconfigRaw: "{}",
    logLevel: "silent",
    ...options,
    write: false,
  });
  return result.outputFiles[0]?.text ?? "";
}

/** The stand-in's programs as one ES module without imports other than `node:` ones. */
export function bundlePrograms(): string {
  // the library for property lists asks for its own modules in the way of CommonJS
  const require = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
  return bundle("programs/main.ts", { format: "esm", banner: { js: require } });
}

/** What a Node loads first to pass for one on macOS. */
export function bundleDarwin(): string {
  return bundle("darwin.ts", { format: "cjs" });
}
