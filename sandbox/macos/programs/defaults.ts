import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { homedir } from "node:os";
import type { PlistValue } from "plist";
import { isDictionary, readPropertyList, writePropertyList } from "../property-list.ts";
import { replaceFile } from "../replace-file.ts";
import { failed, printed, type Output } from "./output.ts";

function pathOf(domain: string): string {
  if (isAbsolute(domain)) return domain.endsWith(".plist") ? domain : `${domain}.plist`;
  return `${homedir()}/Library/Preferences/${domain}.plist`;
}

function load(domain: string): Record<string, PlistValue> | undefined {
  const path = pathOf(domain);
  if (!existsSync(path)) return undefined;
  const value = readPropertyList(readFileSync(path));
  return isDictionary(value) ? value : undefined;
}

function save(domain: string, values: Record<string, PlistValue>): void {
  mkdirSync(dirname(pathOf(domain)), { recursive: true });
  replaceFile(pathOf(domain), writePropertyList(values, "binary1"), 0o644);
}

function shown(value: PlistValue): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (Array.isArray(value)) return `(\n${value.map((item) => `    ${shown(item)}`).join(",\n")}\n)`;
  if (isDictionary(value)) {
    return `{\n${Object.entries(value).map(([key, item]) => `    ${key} = ${shown(item)};\n`).join("")}}`; // prettier-ignore
  }
  return String(value);
}

function complaint(text: string): Output {
  const time = new Date().toISOString().replace("T", " ").replace("Z", "");
  return failed(1, `${time} defaults[${process.pid}:${process.pid}] \n${text}\n`);
}

function typed(type: string, text: string): PlistValue {
  if (type.startsWith("-bool")) return ["true", "yes", "1"].includes(text.toLowerCase());
  if (type.startsWith("-int") || type === "-float") return Number(text);
  return text;
}

/** Stand-in for defaults: read, read-type, write, delete of single values. Source: man defaults. */
export function defaults(argv: readonly string[]): Output {
  const [verb = "", domain = "", key, ...rest] = argv;
  const values = load(domain);
  const absent = complaint(
    key === undefined
      ? `Domain ${domain} does not exist`
      : `The domain/default pair of (${domain}, ${key}) does not exist`,
  );
  switch (verb) {
    case "read": {
      if (values === undefined) return absent;
      const value = key === undefined ? values : values[key];
      return value === undefined ? absent : printed(`${shown(value)}\n`);
    }
    case "read-type": {
      const value = values?.[key ?? ""];
      return value === undefined
        ? absent
        : printed(`Type is ${typeof value === "number" ? "integer" : typeof value}\n`);
    }
    case "write": {
      if (key === undefined) return failed(255, "Unexpected argument\n");
      const [type = "", text] = rest;
      save(domain, { ...values, [key]: text === undefined ? type : typed(type, text) });
      return printed();
    }
    case "delete": {
      if (values === undefined || key === undefined || !(key in values)) return absent;
      save(domain, Object.fromEntries(Object.entries(values).filter(([name]) => name !== key)));
      return printed();
    }
    default:
      return failed(255, "Command line interface to a user's defaults.\n");
  }
}
