import { join } from "node:path";
import type { GatewayHome } from "../lib/gateway-home.ts";
import { readJsonOrNull, readTextOrNull } from "../lib/json-file.ts";
import type { Context } from "../phase.ts";
import type { UnitFacts } from "../platform/services.ts";
import { looseEnvironment } from "./loose-environment.ts";
import type { Sources } from "./variables.ts";

/** Runs parts that may fail without ending the whole; what failed is named. */
export class Gaps {
  readonly found: string[] = [];

  async part<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch {
      // the message could quote what was read
      this.found.push(name);
      return null;
    }
  }
}

async function environmentOf(path: string): Promise<ReadonlyMap<string, string>> {
  return looseEnvironment((await readTextOrNull(path)) ?? "");
}

/** SECRET. Empty without the file. */
async function keysOf(path: string): Promise<ReadonlyMap<string, string>> {
  const keys = await readJsonOrNull<unknown>(path, (found) => found);
  return new Map(
    Object.entries(keys ?? {}).flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : [])),
  );
}

/** Files that the unit reads besides the declared one, the last one first: what it sets wins. */
async function otherFilesOf(paths: readonly string[]): Promise<Sources["otherFiles"]> {
  const read = [...paths].reverse().map(async (path) => ({ path, variables: await environmentOf(path) }));
  return await Promise.all(read);
}

/** SECRET: what every source of variables has; a part that cannot be read is named in `gaps`. */
export async function sourcesOf(home: GatewayHome, facts: UnitFacts | null, context: Context, gaps: Gaps) {
  const empty: ReadonlyMap<string, string> = new Map();
  const pid = facts?.evidence.mainPid ?? 0;
  const others = (facts?.environmentFiles ?? []).filter((path) => path !== home.environmentFile);
  const sources: Sources = {
    environmentFile: (await gaps.part("environment file", () => environmentOf(home.environmentFile))) ?? empty,
    otherFiles: (await gaps.part("another environment file", () => otherFilesOf(others))) ?? [],
    unset: facts?.unset ?? [],
    unit: facts?.environment ?? empty,
    manager: (await gaps.part("manager environment", () => context.platform.services.environment())) ?? empty,
    dotenv: (await gaps.part(".env", () => environmentOf(join(home.openclaw, ".env")))) ?? empty,
    keyFile: (await gaps.part("key file", () => keysOf(home.keys))) ?? empty,
    process: pid === 0 ? null : await gaps.part("process environment", () => context.platform.processEnvironment(pid)),
  };
  return sources;
}
