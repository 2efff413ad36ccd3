import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { writeFileAtomically } from "../sandbox/engine/cache.ts";
import { OperationError } from "./error.ts";

export const PROJECT = "gatehouse";
export const FLEET_KEY = `${PROJECT}:fleet`;

/** Of this checkout: what `pulumi refresh` reads machines with. */
const PLUGIN = join(import.meta.dirname, "../remote/plugin");

const settingsSchema = z.looseObject({ config: z.record(z.string(), z.unknown()).optional() });
type Settings = z.output<typeof settingsSchema>;

/** Writes the project file that the engine wants beside an inline program, unless it is there. */
export async function ensureProjectFile(directory: string): Promise<void> {
  const file = join(directory, "Pulumi.yaml");
  const text = stringify({
    name: PROJECT,
    runtime: "nodejs",
    plugins: { providers: [{ name: "gatehouse-drift", path: PLUGIN }] },
    description: "Made by gatehouse: state commands of the ordinary CLI (`pulumi stack`) work in this directory.",
  });
  if ((await readIfThere(file)) !== text) await writeFileAtomically(file, text);
}

/**
 * Puts values into `Pulumi.STACK.yaml`; what else is there (encryption salt, secrets) stays. Written here since the
 * CLI takes values as arguments, where any user can see them, and one process for each.
 * @throws {OperationError} `settings` when the file is not one of Pulumi.
 */
export async function putSettings(
  directory: string,
  stack: string,
  config: Readonly<Record<string, unknown>>,
): Promise<void> {
  const file = join(directory, `Pulumi.${stack}.yaml`);
  const before = await readIfThere(file);
  const settings = before === undefined ? {} : parseSettings(before, file);
  // quoted: the engine's YAML takes a plain date, `yes` or `0o7` for something else than the text
  const quoted = { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" } as const;
  const text = stringify({ ...settings, config: { ...settings.config, ...config } }, quoted);
  if (text !== before) await writeFileAtomically(file, text);
}

function parseSettings(text: string, file: string): Settings {
  try {
    return settingsSchema.parse(parse(text) ?? {});
  } catch {
    // no cause: the messages of the parsers may quote the content
    throw OperationError.of("settings", `${file} is not a settings file of Pulumi`, "restore it from a backup");
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}
