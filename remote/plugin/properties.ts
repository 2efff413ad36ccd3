import type { Connection } from "../../sandbox/plugins/command/inputs.ts";
import { isObject, isUnknown, peel, reveal, type Wire, type WireObject } from "../../sandbox/plugins/shared/wire.ts";
import { NOTHING_OBSERVED, type Observed, type Subject } from "../subject.ts";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export interface Inputs {
  /** SECRET: may hold a private key. */
  readonly connection: Connection;
  readonly programId: string;
  readonly subject: Subject;
}

const REQUIRED: Readonly<Record<string, "string" | "object">> = {
  connection: "object",
  programId: "string",
  machineId: "string",
};
const SUBJECTS = ["machine", "gateway"] as const;

/** What is wrong with the inputs; no value is quoted. */
export function inputFailures(news: WireObject): Failure[] {
  const failures: Failure[] = [];
  for (const [property, type] of Object.entries(REQUIRED)) {
    const value = peel(news[property]);
    if (isMissing(value)) failures.push({ property, reason: "required property is missing" });
    else if (!isUnknown(value) && typeof value !== type) failures.push({ property, reason: `must be of type ${type}` });
  }
  const subjects = SUBJECTS.filter((name) => !isMissing(peel(news[name])));
  if (subjects.length !== 1) failures.push({ property: "gateway", reason: "give either `machine` or `gateway`" });
  for (const property of Object.keys(news)) {
    const known = property in REQUIRED || property.startsWith("__") || SUBJECTS.some((name) => name === property);
    if (!known) failures.push({ property, reason: "unknown property" });
  }
  return failures;
}

function isMissing(value: Wire): boolean {
  return value === undefined || value === null || value === "";
}

/** SECRET: inputs that passed the check and are fully known. */
export function readInputs(properties: WireObject): Inputs {
  const { connection, programId, machineId, machine, gateway } = reveal(properties) as Readonly<
    Record<string, unknown>
  >;
  return {
    connection: connection as Connection,
    programId: programId as string,
    subject: { machineId, ...(machine ? { machine } : { gateway }) } as Subject,
  };
}

/** What the state says; a state without it has never been looked at. */
export function readObserved(properties: WireObject): Observed {
  const known = reveal(properties);
  return isObject(known) && Array.isArray(known["deviations"]) ? { ...NOTHING_OBSERVED, ...known } : NOTHING_OBSERVED;
}
