import type { PlistValue } from "plist";
import { isDictionary, readPropertyList, type Dictionary } from "../property-list.ts";

/** When launchd starts a job again. Source: man launchd.plist, `KeepAlive`. */
export type KeepAlive =
  boolean | { readonly successfulExit: boolean | undefined; readonly crashed: boolean | undefined };

/** One entry of StartCalendarInterval; what is undefined matches everything. */
export interface CalendarEntry {
  readonly minute: number | undefined;
  readonly hour: number | undefined;
  readonly day: number | undefined;
  readonly weekday: number | undefined;
  readonly month: number | undefined;
}

/** A job as its property list says it, with launchd's defaults filled in. Times in seconds. */
export interface JobDefinition {
  readonly label: string;
  readonly program: string;
  readonly arguments: readonly string[];
  /** The plist has no Program: `print` calls that `inferred program`. */
  readonly inferredProgram: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly userName: string | undefined;
  readonly groupName: string | undefined;
  readonly initGroups: boolean;
  readonly workingDirectory: string | undefined;
  readonly standardIn: string | undefined;
  readonly standardOut: string | undefined;
  readonly standardError: string | undefined;
  /** Mode bits; undefined: launchd's own 022. */
  readonly umask: number | undefined;
  readonly runAtLoad: boolean;
  readonly keepAlive: KeepAlive;
  readonly throttleInterval: number;
  /** 0: launchd waits for ever. */
  readonly exitTimeOut: number;
  readonly startInterval: number | undefined;
  readonly startCalendar: readonly CalendarEntry[];
  readonly abandonProcessGroup: boolean;
  readonly openFiles: { readonly soft: number | undefined; readonly hard: number | undefined };
  readonly processType: string;
  /** `Disabled` of the plist; an entry of the overrides database wins over it. */
  readonly disabled: boolean;
}

/** launchd refuses the content of a property list. */
export class BadDefinition extends Error {
  override readonly name = "BadDefinition";
  /** As of errors.ts. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Man launchd.plist: default of ThrottleInterval. */
const THROTTLE_SECONDS = 10;
/** Not 20: `exit timeout = 5` in every capture, and launchd's own log line (facts/macos.md 1.5). */
const EXIT_SECONDS = 5;

class Reader {
  readonly #values: Dictionary;

  constructor(values: Dictionary) {
    this.#values = values;
  }

  text(key: string): string | undefined {
    const value = this.#values[key];
    return typeof value === "string" ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#values[key];
    return typeof value === "boolean" ? value : undefined;
  }

  /** A wrong type is ignored, as launchd does; integers arrive as numbers. */
  number(key: string): number | undefined {
    const value = this.#values[key];
    return typeof value === "number" && Number.isInteger(value) ? value : undefined;
  }

  texts(key: string): readonly string[] {
    const value = this.#values[key];
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  }

  dictionary(key: string): Dictionary | undefined {
    const value = this.#values[key];
    return isDictionary(value) ? value : undefined;
  }

  raw(key: string): PlistValue | undefined {
    return this.#values[key];
  }
}

/** Man launchd.plist: an integer is taken as it is (decimal in XML: 63 is 077), a string is read as C's strtoul would. */
function umaskOf(reader: Reader): number | undefined {
  const text = reader.text("Umask");
  if (text !== undefined) return Number.parseInt(text, text.startsWith("0") ? 8 : 10);
  return reader.number("Umask");
}

/** Man launchd.plist: every condition of the dictionary is ORed; SuccessfulExit implies RunAtLoad. */
function keepAliveOf(reader: Reader): KeepAlive {
  const conditions = reader.dictionary("KeepAlive");
  if (conditions === undefined) return reader.flag("KeepAlive") ?? false;
  const inner = new Reader(conditions);
  return { successfulExit: inner.flag("SuccessfulExit"), crashed: inner.flag("Crashed") };
}

function calendarOf(value: PlistValue | undefined): CalendarEntry[] {
  const entries = Array.isArray(value) ? value : [value];
  return entries.filter(isDictionary).map((entry) => {
    const inner = new Reader(entry);
    return {
      minute: inner.number("Minute"),
      hour: inner.number("Hour"),
      day: inner.number("Day"),
      weekday: inner.number("Weekday"),
      month: inner.number("Month"),
    };
  });
}

/** Man launchd.plist: SoftResourceLimits and HardResourceLimits, of which only NumberOfFiles is enforced here. */
function filesOf(reader: Reader, key: string): number | undefined {
  return new Reader(reader.dictionary(key) ?? {}).number("NumberOfFiles");
}

/**
 * Reads a property list, XML or binary.
 * @throws {BadDefinition} 109 when it is none or has no Label, 111 when it names no program.
 */
export function parseDefinition(bytes: Uint8Array): JobDefinition {
  const reader = new Reader(dictionaryOf(bytes));
  const label = reader.text("Label");
  if (label === undefined || label === "") throw new BadDefinition(109, "Invalid property list");
  const argv = reader.texts("ProgramArguments");
  const named = reader.text("Program");
  const program = named ?? argv[0];
  if (program === undefined) throw new BadDefinition(111, "Invalid or missing Program/ProgramArguments");
  const keepAlive = keepAliveOf(reader);
  const implied = keepAlive === true || (typeof keepAlive === "object" && keepAlive.successfulExit !== undefined);
  const environment = Object.entries(reader.dictionary("EnvironmentVariables") ?? {});
  return {
    label,
    program,
    arguments: argv.length === 0 ? [program] : argv,
    inferredProgram: named === undefined,
    environment: Object.fromEntries(environment.filter((entry): entry is [string, string] => typeof entry[1] === "string")), // prettier-ignore
    userName: reader.text("UserName"),
    groupName: reader.text("GroupName"),
    initGroups: reader.flag("InitGroups") ?? true,
    workingDirectory: reader.text("WorkingDirectory"),
    standardIn: reader.text("StandardInPath"),
    standardOut: reader.text("StandardOutPath"),
    standardError: reader.text("StandardErrorPath"),
    umask: umaskOf(reader),
    runAtLoad: (reader.flag("RunAtLoad") ?? false) || implied,
    keepAlive,
    throttleInterval: reader.number("ThrottleInterval") ?? THROTTLE_SECONDS,
    exitTimeOut: reader.number("ExitTimeOut") ?? EXIT_SECONDS,
    startInterval: reader.number("StartInterval"),
    startCalendar: calendarOf(reader.raw("StartCalendarInterval")),
    abandonProcessGroup: reader.flag("AbandonProcessGroup") ?? false,
    openFiles: { soft: filesOf(reader, "SoftResourceLimits"), hard: filesOf(reader, "HardResourceLimits") },
    processType: reader.text("ProcessType") ?? "Standard",
    disabled: reader.flag("Disabled") ?? false,
  };
}

function dictionaryOf(bytes: Uint8Array): Dictionary {
  let value: PlistValue;
  try {
    value = readPropertyList(bytes);
  } catch {
    throw new BadDefinition(109, "Invalid property list");
  }
  if (!isDictionary(value)) throw new BadDefinition(109, "Invalid property list");
  return value;
}
