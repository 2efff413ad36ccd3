/**
 * Stand-in for launchd: exit status of launchctl -> the text that `launchctl error N` prints. Below 107 they are errno of
 * macOS. Source: table in Darling's and Procursus' launchctl, captures of facts/macos.md 1.2.
 */
const TEXTS: Readonly<Record<number, string>> = {
  1: "Operation not permitted",
  2: "No such file or directory",
  3: "No such process",
  5: "Input/output error",
  13: "Permission denied",
  17: "File exists",
  22: "Invalid argument",
  36: "Operation now in progress",
  37: "Operation already in progress",
  64: "unknown error code",
  107: "Malformed bundle",
  108: "Invalid path",
  109: "Invalid property list",
  110: "Invalid or missing service identifier",
  111: "Invalid or missing Program/ProgramArguments",
  112: "Could not find specified domain",
  113: "Could not find specified service",
  114: "The specified username does not exist",
  115: "The specified group does not exist",
  116: "Routine not yet implemented",
  119: "Service is disabled",
  122: "Path had bad ownership/permissions",
  124: "Domain is tearing down",
  125: "Domain does not support specified action",
  133: "Multiple errors were returned; see stderr",
};

export const ERR = {
  notPermitted: 1,
  noProcess: 3,
  io: 5,
  inProgress: 36,
  already: 37,
  usage: 64,
  badPlist: 109,
  noProgram: 111,
  noDomain: 112,
  noService: 113,
  disabled: 119,
  badOwnership: 122,
  noAction: 125,
} as const;

export function errorText(code: number): string {
  return TEXTS[code] ?? "unknown error code";
}
