import { chmod, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { contentKey, publishDirectory } from "./cache.ts";
import { EngineError } from "./errors.ts";

const PLUGINS = join(import.meta.dirname, "..", "plugins");

/** Executables that the engine looks for on PATH, and what node runs for each. */
const ENTRIES = {
  "pulumi-resource-command": () => join(PLUGINS, "command", "main.ts"),
  "pulumi-resource-tls": () => join(PLUGINS, "tls", "main.ts"),
  "pulumi-language-nodejs": () => join(PLUGINS, "language-nodejs", "main.ts"),
  "pulumi-analyzer-policy-nodejs": () => sdkScript("run-policy-pack"),
  "pulumi-resource-pulumi-nodejs": () => sdkScript("dynamic-provider"),
} as const;

export type LauncherName = keyof typeof ENTRIES;

/** Second line of every launcher; tells ours from an official executable of the same name. */
export const STAND_IN_MARK = "# Gatehouse's air-gapped stand-in";

/**
 * Writes the launchers into a directory of the cache that is named by their content and returns its path.
 * They start this process's node, which strips the types by itself.
 * @throws {EngineError} under a Node that can't.
 */
export async function publishLaunchers(cache: string, names: readonly LauncherName[]): Promise<string> {
  if (process.features.typescript === false) {
    throw new EngineError(`the stand-ins need Node 24, this is ${process.version}`, "start through bin/with-node24");
  }
  const files = names.map((name) => ({ name, text: launcher(name) }));
  const key = contentKey(files.flatMap(({ name, text }) => [name, text]));
  return publishDirectory(join(cache, "stand-ins"), key, async (staging) => {
    for (const { name, text } of files) {
      await writeFile(join(staging, name), text);
      await chmod(join(staging, name), 0o755);
    }
  });
}

function launcher(name: LauncherName): string {
  const command = [process.execPath, ENTRIES[name]()].map(quote).join(" ");
  return `#!/bin/sh\n${STAND_IN_MARK} for ${name}.\nexec ${command} "$@"\n`;
}

function sdkScript(name: string): string {
  return createRequire(import.meta.url).resolve(`@pulumi/pulumi/cmd/${name}`);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
