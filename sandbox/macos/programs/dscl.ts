import type { PlistValue } from "plist";
import { randomUUID } from "node:crypto";
import { changeDirectory, readDirectory, type Attributes, type Directory, type Records } from "../directory/store.ts";
import { readFaults } from "../faults.ts";
import { writePropertyList } from "../property-list.ts";
import { failed, isRoot, printed, type Output } from "./output.ts";

const PREFIX = "dsAttrTypeStandard:";
/** Number -> name; source: DirectoryServices' error list and captures in facts/macos.md 2. */
const ERRORS = {
  unknownNode: [-14009, "eDSUnknownNodeName"],
  permission: [-14120, "eDSPermissionError"],
  notFound: [-14136, "eDSRecordNotFound"],
  attributeNotFound: [-14134, "eDSAttributeNotFound"],
} as const;

/** The exit status is the low byte of the number without its sign. */
function dsError(error: keyof typeof ERRORS, before = ""): Output {
  const [number, name] = ERRORS[error];
  return failed(-number & 255, `${before}<dscl_cmd> DS Error: ${number} (${name})\n`);
}

class Refusal extends Error {
  readonly output: Output;

  constructor(output: Output) {
    super("refused");
    this.output = output;
  }
}

function attributeName(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

/** One line where no value has a blank; otherwise a line of its own for each, with a blank in front. */
function shape(name: string, values: readonly string[]): string {
  if (values.every((value) => !/\s/.test(value))) return `${name}: ${values.join(" ")}\n`;
  return `${name}:\n${values.map((value) => ` ${value}\n`).join("")}`;
}

interface Target {
  readonly kind: string;
  readonly record: string | undefined;
}

function parsePath(path: string): Target {
  const [kind = "", ...rest] = path.replace(/^\//, "").split("/");
  const record = rest.join("/");
  return { kind, record: record === "" ? undefined : record };
}

function find(
  directory: Directory,
  { kind, record }: Target,
): { records: Records; name: string; attributes: Attributes } {
  const records = directory[kind];
  const attributes = records?.[record ?? ""];
  if (records === undefined) throw new Refusal(dsError("unknownNode"));
  if (attributes === undefined || record === undefined) throw new Refusal(dsError("notFound"));
  return { records, name: record, attributes };
}

function list(target: Target, keys: readonly string[], plist: boolean): Output {
  const records = readDirectory()[target.kind];
  if (records === undefined) return dsError("unknownNode", "list: Invalid Path\n");
  const names = Object.keys(records).sort();
  if (plist) return printed(writePropertyList(names, "xml1"));
  const [key] = keys;
  if (key === undefined) return printed(names.map((name) => `${name}\n`).join(""));
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const rows = names.flatMap((name) => {
    const values = records[name]?.[attributeName(key)];
    return values === undefined ? [] : [`${name.padEnd(width)}${values.join(" ")}\n`];
  });
  return printed(rows.join(""));
}

function read(target: Target, keys: readonly string[], plist: boolean): Output {
  const { attributes } = find(readDirectory(), target);
  const wanted = keys.length === 0 ? Object.keys(attributes).sort() : keys.map(attributeName);
  const present = wanted.filter((name) => attributes[name] !== undefined);
  const missing = wanted.filter((name) => attributes[name] === undefined);
  const stderr = missing.map((name) => `No such key: ${name}\n`).join("");
  if (plist) {
    if (present.length === 0) return { code: 0, stdout: "", stderr };
    const value: Record<string, PlistValue> = {};
    for (const name of present) value[PREFIX + name] = attributes[name] ?? [];
    return { code: 0, stdout: writePropertyList(value, "xml1"), stderr };
  }
  return { code: 0, stdout: present.map((name) => shape(name, attributes[name] ?? [])).join(""), stderr };
}

/** A substring counts as found (facts/macos.md 2). */
function search(target: Target, key: string, value: string): Output {
  const rows = Object.entries(readDirectory()[target.kind] ?? {}).flatMap(([name, attributes]) => {
    const values = attributes[attributeName(key)] ?? [];
    if (!values.some((candidate) => candidate.includes(value))) return [];
    return [`${name}\t\t${attributeName(key)} = (\n${values.map((text) => `    ${/\s/.test(text) ? `"${text}"` : text}`).join(",\n")}\n)\n`]; // prettier-ignore
  });
  return printed(rows.join(""));
}

/** No attribute has to be unique, not even UniqueID (facts/macos.md 2). */
function create(
  directory: Directory,
  { kind, record }: Target,
  key: string | undefined,
  values: readonly string[],
): void {
  const records = directory[kind];
  if (records === undefined || record === undefined)
    throw new Refusal(dsError("unknownNode", "create: Invalid Path\n"));
  const attributes = (records[record] ??= {
    RecordName: [record],
    ...(kind === "Users" && { GeneratedUID: [randomUUID().toUpperCase()] }),
  });
  if (key !== undefined) attributes[attributeName(key)] = [...values];
}

function remove(directory: Directory, target: Target, key: string | undefined, values: readonly string[]): void {
  if (directory[target.kind]?.[target.record ?? ""] === undefined) {
    throw new Refusal(dsError("unknownNode", "delete: Invalid Path\n"));
  }
  const { records, name, attributes } = find(directory, target);
  if (key === undefined) {
    Reflect.deleteProperty(records, name);
    return;
  }
  const attribute = attributeName(key);
  if (attributes[attribute] === undefined) throw new Refusal(dsError("attributeNotFound"));
  const left = values.length === 0 ? [] : attributes[attribute].filter((value) => !values.includes(value));
  if (left.length === 0) Reflect.deleteProperty(attributes, attribute);
  else attributes[attribute] = left;
}

function append(directory: Directory, target: Target, key: string, values: readonly string[], merge: boolean): void {
  const { attributes } = find(directory, target);
  const present = attributes[attributeName(key)] ?? [];
  attributes[attributeName(key)] = [...present, ...values.filter((value) => !merge || !present.includes(value))];
}

function change(directory: Directory, target: Target, key: string, from: string, to: string): void {
  const { attributes } = find(directory, target);
  const values = attributes[attributeName(key)] ?? [];
  const index = values.indexOf(from);
  if (index < 0) throw new Refusal(dsError("attributeNotFound"));
  values[index] = to;
}

function write(verb: string, target: Target, args: readonly string[]): Output {
  // over SSH without Full Disk Access some changes are refused even to root
  const refused = !isRoot() || (readFaults().noFullDiskAccess === true && ["delete", "change"].includes(verb));
  if (refused) return dsError("permission");
  const [key, first = "", second = ""] = args;
  changeDirectory((directory) => {
    if (verb === "create") create(directory, target, key, args.slice(1));
    else if (verb === "delete") remove(directory, target, key, args.slice(1));
    else if (verb === "change") change(directory, target, key ?? "", first, second);
    else append(directory, target, key ?? "", args.slice(1), verb === "merge");
  });
  return printed();
}

/** Stand-in for dscl on the local node. Source: man dscl; shapes, error bytes and traps of facts/macos.md 2. */
export function dscl(argv: readonly string[]): Output {
  const isOption = (word: string): boolean => word === "-plist" || word === "-q";
  const [node = "", verbWord = "", path = "", ...args] = argv.filter((word) => !isOption(word));
  const verb = verbWord.replace(/^-/, "");
  if (![".", "/Local/Default", "localhost", "/Search"].includes(node)) {
    return failed(-ERRORS.unknownNode[0] & 255, "Data source (" + node + ") is not valid.\n");
  }
  const target = parsePath(path.replace(/^\/Local\/Default\//, "/"));
  const plist = argv.includes("-plist");
  try {
    switch (verb) {
      case "list":
      case "ls":
        return list(target, args, plist);
      case "read":
      case "cat":
        return read(target, args, plist);
      case "search":
        return search(target, args[0] ?? "", args[1] ?? "");
      case "create":
      case "delete":
      case "append":
      case "merge":
      case "change":
        return write(verb, target, args);
      default:
        return failed(64, "dscl (v20.4)\nusage: dscl [options] [<datasource> [<command>]]\n");
    }
  } catch (error) {
    if (error instanceof Refusal) return error.output;
    throw error;
  }
}
