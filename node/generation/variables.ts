import { parseEnvironmentFile } from "../environment-file.ts";
import { ResolveFailure } from "../launch/failure.ts";
import { IDENTITY_VARIABLES } from "../launch/plan.ts";
import { resolvePlan } from "../launch/resolve.ts";
import { PhaseFailure } from "../lib/failure.ts";
import { EXIT } from "../protocol.ts";
import type { StoredGeneration } from "./store.ts";

/** What the node read itself, for as long as this program runs; on no disk. */
const resolvedValues = new WeakMap<StoredGeneration, ReadonlyMap<string, string>>();

/** Reads with the launcher's own code what the launcher would read; once for each generation. */
async function resolved(generation: StoredGeneration): Promise<ReadonlyMap<string, string>> {
  const { launch } = generation.manifest;
  if (launch === undefined) return new Map();
  const known = resolvedValues.get(generation);
  if (known !== undefined) return known;
  const identity = Object.fromEntries(parseEnvironmentFile(generation.files.environment));
  try {
    const found = await resolvePlan(launch, identity);
    const values = new Map(found.map(({ variable, value }) => [variable, value]));
    resolvedValues.set(generation, values);
    return values;
  } catch (error) {
    if (!(error instanceof ResolveFailure)) throw error;
    throw new PhaseFailure({
      layer: "provider credential",
      code: "credential-unresolved",
      message: error.message,
      fix: error.fix,
      exit: error.outlook === "try again" ? EXIT.unavailable : EXIT.refused,
      cause: error,
    });
  }
}

/**
 * The secret variables that the gateway's process of a generation has.
 * @throws {PhaseFailure} `credential-unresolved`.
 */
export async function launchedVariables(generation: StoredGeneration): Promise<ReadonlyMap<string, string>> {
  const variables = parseEnvironmentFile(generation.files.environment);
  for (const name of Object.values(IDENTITY_VARIABLES)) variables.delete(name);
  for (const [name, value] of await resolved(generation)) variables.set(name, value);
  return variables;
}

/** SECRET: the keys that OpenClaw reads from a file, by variable name. */
export function fileKeys({ files }: StoredGeneration): ReadonlyMap<string, string> {
  return new Map(Object.entries(JSON.parse(files.keys ?? "{}") as Readonly<Record<string, string>>));
}

/** Takes every secret of a generation that this program knows out of a text. */
export function redactSecrets(generation: StoredGeneration, text: string): string {
  const known = [
    ...parseEnvironmentFile(generation.files.environment).values(),
    ...fileKeys(generation).values(),
    ...(resolvedValues.get(generation)?.values() ?? []),
  ];
  // the longest first: one credential may begin with another
  return known
    .sort((left, right) => right.length - left.length)
    .reduce((shown, secret) => shown.replaceAll(secret, "[redacted]"), text);
}
