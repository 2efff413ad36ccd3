import { writeFile } from "node:fs/promises";
import { parseFleet } from "../../spec/index.ts";
import type { FleetSpec } from "../../spec/index.ts";
import type { Violation } from "../check/check.ts";
import { OperationError } from "../error.ts";
import { FLEET_KEY } from "../settings.ts";
import type { GatehouseStack } from "../stack.ts";

/**
 * The fleet that a stack was given last.
 * @throws {OperationError} `input` when it has none.
 */
export async function stackFleet(stack: Pick<GatehouseStack, "settings">): Promise<FleetSpec> {
  const text = (await stack.settings())[FLEET_KEY];
  if (text === undefined) throw OperationError.of("input", "the stack has no fleet", "give one with --config FILE");
  return parseFleet(JSON.parse(text));
}

/** Rules by the resource that each violation names. */
export function violatedRules(violations: readonly Violation[]): ReadonlyMap<string, readonly string[]> {
  const names = [...new Set(violations.map(({ resource }) => resource))];
  return new Map(
    names.map((name) => [
      name,
      [...new Set(violations.filter(({ resource }) => resource === name).map(({ rule }) => rule))].sort(),
    ]),
  );
}

/** @throws {OperationError} `file` when it can't be written. */
export async function writeImage(path: string, image: string): Promise<void> {
  await writeFile(path, image).catch((error: unknown) => {
    const { code = "error" } = error as NodeJS.ErrnoException;
    throw OperationError.of("file", `${path} can't be written (${code})`, "name another file");
  });
}
