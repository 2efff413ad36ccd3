import { EXIT, KNOWN_OPTION, RESULT_MARK } from "../node/protocol.ts";
import type { PhaseError, PhaseName, PhaseResult, VisitName } from "../node/protocol.ts";
import { programPath } from "./root.ts";

/** A word inside the double quotes of the inner script; `$` stays alive for the few variables we use. */
function doubleQuoted(text: string): string {
  return `"${text.replaceAll(/["\\`]/g, "\\$&")}"`;
}

/** Commands that report `error` as every phase does and exit. */
function report(phase: string, error: PhaseError, status: number): string {
  const result: PhaseResult<never> = { ok: false, error };
  const block = `gatehouse: ${phase} failed [${error.layer}/${error.code}]: ${error.message}`;
  return [
    `printf "%s\\n" ${doubleQuoted(block)} ${doubleQuoted(`  fix: ${error.fix}`)} >&2`,
    `printf "%s\\n" ${doubleQuoted(RESULT_MARK + JSON.stringify(result))}`,
    `exit ${status}`,
  ].join("; ");
}

/** Runs `command` as root: directly, or through a sudo that asks for nothing. `$u` is the login name in messages. */
function asRoot(phase: string, command: string): string {
  const refused = report(
    phase,
    {
      layer: "host",
      code: "no-sudo",
      message: "the user $u is not root and may not use sudo without a password",
      fix: "connect as root, or let $u run everything: echo $u ALL=(ALL) NOPASSWD: ALL > /etc/sudoers.d/$u",
    },
    EXIT.permission,
  );
  return [
    `if [ "$(id -u)" = 0 ]; then exec ${command}; fi`,
    `u=$(id -un)`,
    // stdin carries the script or the payload: the trial must not read from it.
    `if sudo -n true </dev/null >/dev/null 2>&1; then exec sudo -n -- ${command}; fi`,
    refused,
  ].join("; ");
}

/** Login shells differ (fish, csh): one single-quoted word without quote, backslash-newline or `!` means the same in all. */
function forAnyLoginShell(script: string): string {
  if (/['\n!]/.test(script)) throw new Error("the inner script holds a character that login shells treat differently");
  return `exec sh -c '${script}'`;
}

/** What the engine knows about the resource that a command belongs to (docs/decisions/0004). */
export type History = "first contact" | "provisioned";

function option(history: History): string {
  return history === "provisioned" ? ` ${KNOWN_OPTION}` : "";
}

/** Remote command of the bootstrap: a shell as root that reads `renderBootstrap()` from stdin. Exit 77 without root. */
export function bootstrapCommand(history: History): string {
  return forAnyLoginShell(asRoot("bootstrap", history === "provisioned" ? `sh -s --${option(history)}` : "sh -s"));
}

/**
 * Remote command of one phase; the payload goes to its stdin. A node without this program is another machine than the
 * one that was provisioned, or was reinstalled: exit 78, nothing is changed.
 */
export function programCommand(id: string, phase: PhaseName, action: "apply" | "remove", history: History): string {
  return forAnyLoginShell(phaseScript(id, phase, action, history));
}

/**
 * The same as `programCommand` of an update, told apart by a count that the node ignores: a drifted phase runs again,
 * which the engine does only for another input.
 */
export function repeatedCommand(id: string, phase: PhaseName, count: number): string {
  return forAnyLoginShell(`: repeat ${count}; ${phaseScript(id, phase, "apply", "provisioned")}`);
}

function phaseScript(id: string, phase: PhaseName, action: "apply" | "remove", history: History): string {
  return programCall(id, phase, `${action} ${phase}${option(history)}`, {
    layer: "host",
    code: "machine-changed",
    message: `${programPath(id)} is not there: this host is not the machine that was provisioned, or it was reinstalled`,
    fix: "check that the address still leads to the machine you mean; to accept this one, set machineId on the node in the spec to its id (Linux: /etc/machine-id)",
  });
}

/** Remote command of a visit that is no part of an update; the payload goes to its stdin. Exit 78 as above. */
export function visitCommand(id: string, visit: VisitName): string {
  return forAnyLoginShell(
    programCall(id, visit, visit, {
      layer: "host",
      code: "program-missing",
      message: `${programPath(id)} is not there: another version of Gatehouse provisioned this node, or it is another machine`,
      fix: "use the version that provisioned it; or check the address and run gatehouse up once, which puts this version there",
    }),
  );
}

function programCall(id: string, phase: PhaseName | VisitName, args: string, absent: PhaseError): string {
  const program = programPath(id);
  const missing = report(phase, absent, EXIT.refused);
  return `if [ -x ${program} ]; then :; else ${missing}; fi; ${asRoot(phase, `${program} ${args}`)}`;
}
