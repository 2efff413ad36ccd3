import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseDocument } from "yaml";
import type { FleetInput } from "../spec/index.ts";
import { parseFleet } from "../spec/index.ts";
import { OperationError } from "./error.ts";
import { FLEET_KEY } from "./settings.ts";

/**
 * The fleet of a YAML file: the fleet itself, or a file like `Pulumi.example.yaml` that has it under
 * `config: gatehouse:fleet:`. Checked as far as a fleet can be without contacting anything.
 * @throws {OperationError} `config-file` when there is none in it, or something besides that belongs elsewhere. The text
 * never quotes the file: a secret may have been written into it by mistake.
 * @throws {SpecError} when it is there and can't be used.
 */
export async function readFleetFile(file: string): Promise<FleetInput> {
  const content = parseYaml(await readText(file), file);
  const fleet = isRecord(content) && "config" in content ? fromSettings(content["config"], file) : content;
  if (!isRecord(fleet)) throw bad(file, "holds no fleet", "see Pulumi.example.yaml for one");
  parseFleet(fleet);
  // parseFleet has just proven it
  return fleet as FleetInput;
}

/** `NAME` of a file called `Pulumi.NAME.yaml`. */
export function stackNameOf(file: string): string | undefined {
  return /^Pulumi\.([A-Za-z0-9_.-]{1,100})\.ya?ml$/.exec(basename(file))?.[1];
}

async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    throw bad(file, `can't be read (${(error as NodeJS.ErrnoException).code ?? "?"})`, "name a file with a fleet");
  });
}

function parseYaml(text: string, file: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error === undefined) return document.toJS();
  // its message quotes the file
  throw bad(file, `is not valid YAML at line ${error.linePos?.[0].line ?? "?"} (${error.code})`, "correct that line");
}

function fromSettings(config: unknown, file: string): unknown {
  const { [FLEET_KEY]: fleet, ...others } = isRecord(config) ? config : {};
  const [other] = Object.keys(others);
  if (other === undefined) return fleet;
  throw bad(
    file,
    `has the setting ${/^[A-Za-z0-9_.:-]+$/.test(other) ? other : "(unreadable)"} beside ${FLEET_KEY}`,
    "secrets of a settings file belong to the ordinary CLI (`pulumi up`); here store each with `gatehouse secret KEY < file` " +
      "and take it out of the file",
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(file: string, message: string, fix: string): OperationError {
  return OperationError.of("config-file", `${file} ${message}`, fix);
}
