import { absent, read, type Reading } from "../read.ts";
import { AGENT, GATEWAY, type Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Components that declare the paths they own: `[{path, kind, mode, owner}]`. */
const OWNERS: ReadonlySet<string> = new Set([GATEWAY, AGENT]);

/** Directories in which every user of a machine can make, and some can replace, an entry. */
const SHARED = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "/private/var/tmp", "/Users/Shared"];

function check({ type, props }: Resource): string[] {
  if (!OWNERS.has(type)) return [];
  const paths = read(props, "paths");
  if (paths.state !== "known") return [`paths is ${absent(paths)}`];
  if (!Array.isArray(paths.value) || paths.value.length === 0) return ["paths is not declared"];
  return Array.from({ length: paths.value.length }, (_, index) => index).flatMap((index) => checkPath(props, index));
}

function checkPath(props: unknown, index: number): string[] {
  const path = read(props, "paths", index, "path");
  const label = path.state === "known" && typeof path.value === "string" ? path.value : `paths[${index}]`;
  const problems = path.state === "known" ? [] : [`paths[${index}].path is ${absent(path)}`];
  const shared = SHARED.find((directory) => label === directory || label.startsWith(`${directory}/`));
  if (shared !== undefined) problems.push(`${label} lies in ${shared}, where others can write`);
  return [...problems, ...checkMode(label, read(props, "paths", index, "mode"))];
}

function checkMode(label: string, mode: Reading): string[] {
  if (mode.state !== "known") return [`the mode of ${label} is ${absent(mode)}`];
  if (typeof mode.value !== "string" || !/^0[0-7]{3}$/.test(mode.value))
    return [`the mode of ${label} is not four octal digits`];
  const bits = Number.parseInt(mode.value, 8);
  return (bits & 0o077) === 0 ? [] : [`${label} has mode ${mode.value}, which other users of the node can use`];
}

export const gh201 = defineRule({
  id: "GH201",
  title: "No path that others can reach",
  severity: "mandatory",
  reads: "`paths[].path` and `paths[].mode` of every `Gateway` and `Agent`",
  why: "State, configuration, backups and environment files of a gateway hold tokens, keys and transcripts. The vendor's own audit does not look at the unit's EnvironmentFile, the backups or the workspaces.",
  source: "OpenClaw 2026.9.6, measured: a 0644 gateway.systemd.env is reported by no vendor check",
  fix: "give directories mode 0700 and files mode 0600, below a home that belongs to the gateway's user",
  parameters: {},
  check,
});
