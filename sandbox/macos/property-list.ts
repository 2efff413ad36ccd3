import { build, buildBinary, parse, type PlistValue } from "plist";

export type Dictionary = Readonly<Record<string, PlistValue | undefined>>;

/** Whether a value of a property list is a dictionary. */
export function isDictionary(value: PlistValue | undefined): value is { [key: string]: PlistValue } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !ArrayBuffer.isView(value) && !(value instanceof Date);
}

/**
 * Value of a property list, XML or binary.
 * @throws {Error} when it is neither.
 */
export function readPropertyList(bytes: Uint8Array): PlistValue {
  // the library recognises the binary form in bytes and the others in text
  if (Buffer.from(bytes).subarray(0, 8).toString("latin1") === "bplist00") return parse(bytes);
  const text = new TextDecoder().decode(bytes);
  // it would take any word for the old OpenStep form
  if (!text.trimStart().startsWith("<")) throw new Error("neither an XML nor a binary property list");
  return parse(text);
}

export function writePropertyList(value: PlistValue, format: "xml1" | "binary1"): Buffer {
  return format === "xml1" ? Buffer.from(`${build(value, { indent: "\t" })}\n`) : Buffer.from(buildBinary(value));
}
