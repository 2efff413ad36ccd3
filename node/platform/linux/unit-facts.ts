import { exec } from "../../lib/exec.ts";
import { ownUser } from "../../lib/gateway-user.ts";
import { looseEnvironment } from "../../diagnose/loose-environment.ts";
import { userEnvironment } from "./environment.ts";
import type { UnitFacts } from "../services.ts";

const SECONDS = 5;

async function systemctl(...args: string[]): Promise<string> {
  const result = await exec(["systemctl", "--user", ...args], {
    env: userEnvironment(ownUser()),
    timeoutSeconds: SECONDS,
  });
  if (result.status !== 0) throw new Error(`systemctl --user ${args[0] ?? ""} gave no answer`);
  return result.stdout;
}

/** What the user manager has of a unit, with its drop-ins: effective values, not those of a file. */
export async function unitFacts(unit: string): Promise<UnitFacts> {
  const names = [
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "ExecMainStartTimestamp",
    "DropInPaths",
    "NeedDaemonReload",
    "Environment",
    "EnvironmentFiles",
    "UnsetEnvironment",
  ];
  const shown = await systemctl("show", unit, "--timestamp=unix", `--property=${names.join(",")}`);
  const values = new Map(
    shown.split("\n").map((line) => {
      const separator = line.indexOf("=");
      return [line.slice(0, separator), line.slice(separator + 1)] as const;
    }),
  );
  const text = (name: string): string => values.get(name) ?? "";
  const started = /^@(\d+)$/.exec(text("ExecMainStartTimestamp"))?.[1];
  return {
    evidence: {
      active: text("ActiveState"),
      sub: text("SubState"),
      enabled: text("UnitFileState") === "enabled",
      mainPid: Number(text("MainPID")),
      restarts: Number(text("NRestarts")),
      startedAt: started === undefined ? null : new Date(Number(started) * 1000).toISOString(),
      dropIns: text("DropInPaths")
        .split(" ")
        .filter((path) => path !== ""),
      needsReload: text("NeedDaemonReload") === "yes",
    },
    environment: shownEnvironment(text("Environment")),
    // one line each
    environmentFiles: [...shown.matchAll(/^EnvironmentFiles=(.*?)(?: \(ignore_errors=\w+\))?$/gm)]
      .map(([, path = ""]) => path)
      .filter((path) => path !== ""),
    unset: text("UnsetEnvironment")
      .split(" ")
      .filter((name) => name !== ""),
  };
}

/** SECRET values may be among them. */
export async function managerEnvironment(): Promise<ReadonlyMap<string, string>> {
  return looseEnvironment(await systemctl("show-environment"));
}

export async function unsetEnvironment(variables: readonly string[]): Promise<void> {
  await exec(["systemctl", "--user", "unset-environment", ...variables], {
    env: userEnvironment(ownUser()),
    timeoutSeconds: 2 * SECONDS,
  });
}

/** Lines of the unit and of the manager about it, the oldest first. */
export async function unitLog(unit: string, sinceSeconds: number): Promise<readonly string[]> {
  const from = (Date.now() / 1000 - sinceSeconds).toFixed(0);
  const { stdout, status } = await exec(
    ["journalctl", "--user", "--unit", unit, `--since=@${from}`, "--lines=5000", "--no-pager", "--output=cat"],
    { env: userEnvironment(ownUser()), timeoutSeconds: SECONDS, keepBytes: 4 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error("the unit's log can't be read");
  return stdout.split("\n").filter((line) => line !== "");
}

/** Assignments as `systemctl show --property=Environment` prints them: separated by blanks, quoted where needed. */
export function shownEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    const assignment = match[1]?.replace(/\\(.)/g, "$1") ?? match[2] ?? "";
    const separator = assignment.indexOf("=");
    if (separator > 0) variables.set(assignment.slice(0, separator), assignment.slice(separator + 1));
  }
  return variables;
}
