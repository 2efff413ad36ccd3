import { exec } from "../../lib/exec.ts";
import type { Owner } from "../../lib/atomic.ts";
import { PhaseFailure } from "../../lib/failure.ts";
import { member } from "../../lib/member.ts";
import { EXIT } from "../../protocol.ts";
import type { Expected } from "./launchctl.ts";

const XML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => XML[character] ?? character);
}

type Dictionary = Readonly<Record<string, string | number>>;
type Value = string | number | boolean | readonly string[] | Dictionary;

function isList(value: readonly string[] | Dictionary): value is readonly string[] {
  return Array.isArray(value);
}

function element(value: Value): string {
  if (typeof value === "string") return `<string>${escaped(value)}</string>`;
  if (typeof value === "number") return `<integer>${String(value)}</integer>`;
  if (typeof value === "boolean") return value ? "<true/>" : "<false/>";
  if (isList(value)) return `<array>${value.map(element).join("")}</array>`;
  return `<dict>${Object.entries(value)
    .map(([name, one]) => `<key>${escaped(name)}</key>${element(one)}`)
    .join("")}</dict>`;
}

/** The property list of a small job of our own: timers, metrics, what settles a switch. The gateway's is the operator's. */
export function smallJob(job: Readonly<Record<string, Value>>): string {
  const lines = Object.entries(job).map(([name, value]) => `\t<key>${escaped(name)}</key>${element(value)}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    "<dict>",
    ...lines,
    "</dict>",
    "</plist>",
    "",
  ].join("\n");
}

/**
 * What launchd has to have of a definition, as the system's own reader sees the file.
 * @param as who reads: root reads no file of somebody else's home itself.
 * @throws {PhaseFailure} `unit-file` when that is no property list of a job.
 */
export async function expectedOf(path: string, as?: Owner): Promise<Expected> {
  const { status, stdout } = await exec(["/usr/bin/plutil", "-convert", "json", "-o", "-", "--", path], {
    timeoutSeconds: 10,
    ...(as && { uid: as.uid, gid: as.gid, cwd: "/" }),
  });
  const parsed: unknown = status === 0 ? JSON.parse(stdout) : undefined;
  const words = member(parsed, "ProgramArguments");
  const environment = member(parsed, "EnvironmentVariables") ?? {};
  const interval = member(parsed, "StartInterval");
  if (Array.isArray(words) && typeof environment === "object")
    return {
      arguments: words.map(String),
      environment: environment as Readonly<Record<string, string>>,
      ...(typeof interval === "number" && { interval }),
    };
  throw new PhaseFailure({
    layer: "config or disk",
    code: "unit-file",
    message: `${path} is no property list of a job`,
    fix: "apply the gateway again: `pulumi up --replace` with the URN of this gateway's gateway phase",
    exit: EXIT.os,
  });
}
