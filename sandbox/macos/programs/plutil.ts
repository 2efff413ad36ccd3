import { readFileSync, writeFileSync } from "node:fs";
import type { PlistValue } from "plist";
import { isDictionary, readPropertyList, writePropertyList } from "../property-list.ts";
import { failed, printed, type Output } from "./output.ts";

interface Call {
  readonly command: string;
  readonly words: readonly string[];
  readonly files: readonly string[];
  readonly output: string | undefined;
  readonly silent: boolean;
}

const ARITY: Readonly<Record<string, number>> = { "-lint": 0, "-p": 0, "-convert": 1, "-extract": 2, "-type": 1, "-replace": 3, "-insert": 3, "-remove": 1 }; // prettier-ignore

function parse(argv: readonly string[]): Call {
  const [first = ""] = argv;
  const command = first in ARITY ? first : "-lint";
  const rest = first in ARITY ? argv.slice(1) : argv;
  const count = ARITY[command] ?? 0;
  const words = rest.slice(0, count);
  const files: string[] = [];
  let output: string | undefined;
  let silent = false;
  let onlyFiles = false;
  const others = rest.slice(count);
  for (let index = 0; index < others.length; index += 1) {
    const word = others[index] ?? "";
    if (onlyFiles || !word.startsWith("-") || word === "-") files.push(word);
    else if (word === "--") onlyFiles = true;
    else if (word === "-o") output = others[(index += 1)];
    else if (word === "-s") silent = true;
  }
  return { command, words, files, output, silent };
}

/** Dots separate, `\.` is a dot; man plutil, `-extract`. */
function stepsOf(keypath: string): string[] {
  return keypath.split(/(?<!\\)\./).map((step) => step.replaceAll("\\.", "."));
}

function at(value: PlistValue, keypath: string): PlistValue | undefined {
  let found: PlistValue | undefined = value;
  for (const step of stepsOf(keypath)) {
    if (Array.isArray(found)) found = found[Number(step)];
    else if (isDictionary(found)) found = found[step];
    else return undefined;
  }
  return found;
}

function jsonValue(value: PlistValue): unknown {
  if (Array.isArray(value)) return value.map(jsonValue);
  if (isDictionary(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item)]));
  return value;
}

/** Man plutil: a count for an array, the keys of a dictionary, base64 for data. */
function raw(value: PlistValue): string {
  if (Array.isArray(value)) return String(value.length);
  if (isDictionary(value)) return Object.keys(value).sort().join("\n");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Date) return value.toISOString().replace(/\.\d+Z$/, "Z");
  return String(value);
}

function pretty(value: PlistValue, indent = ""): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item, index) => `${inner}${index} => ${pretty(item, inner)}\n`).join("")}${indent}]`;
  }
  if (isDictionary(value)) {
    const rows = Object.entries(value).map(([key, item]) => `${inner}"${key}" => ${pretty(item, inner)}\n`);
    return `{\n${rows.join("")}${indent}}`;
  }
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "boolean" ? String(value) : raw(value);
}

function encode(value: PlistValue, format: string): Buffer | undefined {
  switch (format) {
    case "raw":
      return Buffer.from(`${raw(value)}\n`);
    case "json":
      return Buffer.from(JSON.stringify(jsonValue(value)));
    case "xml1":
    case "binary1":
      return writePropertyList(value, format);
    default:
      return undefined;
  }
}

/** Where the result goes: a named file, stdout for `-` and for `raw`, the input itself otherwise. */
function deliver(call: Call, file: string, bytes: Buffer, toStdout: boolean): Output {
  const target = call.output ?? (toStdout || file === "-" ? "-" : file);
  if (target === "-") return printed(bytes);
  writeFileSync(target, bytes);
  return printed();
}

function read(file: string): { readonly value: PlistValue } | Output {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch {
    return {
      code: 1,
      stdout: `${file}: file does not exist or is not readable or is not a regular file\n`,
      stderr: "",
    };
  }
  try {
    return { value: readPropertyList(bytes) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : "";
    return { code: 1, stdout: `${file}: Property List error: ${reason ?? ""} / JSON error: JSON text did not start with array or object\n`, stderr: "" }; // prettier-ignore
  }
}

function one(call: Call, file: string): Output {
  const name = file === "-" ? "<stdin>" : file;
  const result = read(file);
  if ("code" in result) return result;
  const { value } = result;
  const [first = "", second = ""] = call.words;
  if (call.command === "-lint") return printed(call.silent ? "" : `${name}: OK\n`);
  if (call.command === "-p") return printed(`${pretty(value)}\n`);
  if (call.command === "-convert") {
    const bytes = encode(value, first);
    return bytes === undefined ? failed(1, `Unknown format specifier: ${first}\n`) : deliver(call, file, bytes, false);
  }
  if (call.command === "-extract") {
    const found = at(value, first);
    if (found === undefined) {
      return failed(
        1,
        `${name}: Could not extract value, error: No value at that key path or invalid key path: ${first}\n`,
      );
    }
    const bytes = encode(found, second);
    return bytes === undefined ? failed(1, `Unknown format specifier: ${second}\n`) : deliver(call, file, bytes, second === "raw"); // prettier-ignore
  }
  return failed(1, `the stand-in's plutil does not know ${call.command}\n`);
}

/** Stand-in for plutil: -lint, -p, -convert, -extract. Source: man plutil. */
export function plutil(argv: readonly string[]): Output {
  const call = parse(argv);
  if (call.files.length === 0) return failed(1, "No files specified.\n");
  const outputs = call.files.map((file) => one(call, file));
  return {
    code: Math.max(...outputs.map(({ code }) => code)),
    stdout: Buffer.concat(outputs.map(({ stdout }) => Buffer.from(stdout))),
    stderr: outputs.map(({ stderr }) => stderr).join(""),
  };
}
