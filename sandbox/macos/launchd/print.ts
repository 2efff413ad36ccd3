import type { Domain, Session } from "./domains.ts";
import type { Job } from "./job.ts";
import type { Manager } from "./manager.ts";

export interface PrintFacts {
  readonly groupName: string | undefined;
  readonly guardMalloc: boolean;
  /** Of a job of a session at the screen. */
  readonly session?: Session | undefined;
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGHUP: "Hangup: 1",
  SIGINT: "Interrupt: 2",
  SIGABRT: "Abort trap: 6",
  SIGKILL: "Killed: 9",
  SIGSEGV: "Segmentation fault: 11",
  SIGTERM: "Terminated: 15",
};
/** man sysexits; launchd names 78 where the program could not be set up. */
const EXIT_NAMES: Readonly<Record<number, string>> = { 78: "EX_CONFIG" };
const SPAWN_TYPES: Readonly<Record<string, string>> = { Interactive: "interactive (4)", Background: "background (5)" };

function block(name: string, lines: readonly string[]): string[] {
  return [`${name} = {`, ...lines.map((line) => `\t${line}`), "}"];
}

function ending(job: Job): string {
  const { lastEnding } = job;
  if (lastEnding === undefined) return "last exit code = (never exited)";
  if ("signal" in lastEnding) return `last terminating signal = ${SIGNALS[lastEnding.signal] ?? lastEnding.signal}`;
  const name = EXIT_NAMES[lastEnding.code];
  return `last exit code = ${lastEnding.code}${name === undefined ? "" : `: ${name}`}`;
}

/** The first words of a state: between SIGTERM and the end the process still runs. */
function activeCount(job: Job): number {
  return job.pid === undefined ? 0 : 1;
}

function coalition(job: Job, type: string): string[] {
  return block(`${type} coalition`, [
    `ID = ${1000 + job.runs}`,
    `type = ${type}`,
    `state = ${job.pid === undefined ? "terminated" : "active"}`,
    `active count = ${activeCount(job)}`,
    `name = ${job.definition.label}`,
  ]);
}

function properties({ definition }: Job): string {
  const words = [
    ...(definition.keepAlive === false ? [] : ["keepalive"]),
    ...(definition.runAtLoad ? ["runatload"] : []),
    ...(definition.inferredProgram ? ["inferred program"] : []),
  ];
  return words.join(" | ");
}

/** The lines by which a job of a session differs. */
function domainLines(session: Session | undefined) {
  if (session === undefined)
    return { name: "system", type: "LaunchDaemon", domain: ["domain = system"], inherited: [] };
  const name = `gui/${session.uid}`;
  return {
    name,
    type: "LaunchAgent",
    domain: [`domain = ${name} [${session.asid}]`, `asid = ${session.asid}`],
    inherited: block("inherited environment", ["SSH_AUTH_SOCK => /private/tmp/com.apple.launchd.AAAAAAAAAA/Listeners"]),
  };
}

/**
 * Stand-in for `launchctl print system/LABEL` and `gui/UID/LABEL`: the layout of macOS 26 merged from captures of other people's daemons
 * (facts/macos.md 1.4: Sumo Logic's otelcol, wazuh-agent, a gateway on a Mac mini). The places of `umask`,
 * `run interval` and what an agent has more are guesses.
 */
export function printJob(job: Job, facts: PrintFacts): string {
  const { definition, pid } = job;
  const { name: domainName, type, domain, inherited } = domainLines(facts.session);
  const environment = { OSLogRateLimit: "64", ...definition.environment, XPC_SERVICE_NAME: definition.label };
  const paths = [
    ...(definition.standardIn === undefined ? [] : [`stdin path = ${definition.standardIn}`]),
    ...(definition.standardOut === undefined ? [] : [`stdout path = ${definition.standardOut}`]),
    ...(definition.standardError === undefined ? [] : [`stderr path = ${definition.standardError}`]),
  ];
  const account = [
    ...(definition.userName === undefined ? [] : [`username = ${definition.userName}`]),
    ...(facts.groupName === undefined ? [] : [`group = ${facts.groupName}`]),
  ];
  const limits = Object.entries(definition.openFiles).flatMap(([kind, value]) =>
    value === undefined ? [] : [`\t${kind} resource limits = { maxfiles => ${value} }`],
  );
  const lines = [
    `active count = ${activeCount(job)}`,
    `path = ${job.path}`,
    `type = ${type}`,
    `state = ${job.state}`,
    "",
    `program = ${definition.program}`,
    ...block("arguments", definition.arguments),
    "",
    ...(definition.workingDirectory === undefined ? [] : [`working directory = ${definition.workingDirectory}`, ""]),
    ...paths,
    ...inherited,
    ...block("default environment", ["PATH => /usr/bin:/bin:/usr/sbin:/sbin"]),
    "",
    ...block("environment", Object.entries(environment).map(([name, value]) => `${name} => ${value}`)), // prettier-ignore
    "",
    ...domain,
    ...(account.length === 0 ? [] : [...account, ""]),
    `minimum runtime = ${definition.throttleInterval}`,
    `exit timeout = ${definition.exitTimeOut}`,
    ...(definition.umask === undefined ? [] : [`umask = ${definition.umask.toString(8)}`]),
    `runs = ${job.runs}`,
    ...(definition.startInterval === undefined ? [] : [`run interval = ${definition.startInterval} seconds`]),
    ...(pid === undefined ? [] : [`pid = ${pid}`]),
    `immediate reason = ${job.reason}`,
    ...(pid === undefined ? [] : ["forks = 0", "execs = 1", "initialized = 1", "trampolined = 1", "started suspended = 0", "proxy started suspended = 0"]), // prettier-ignore
    ending(job),
    ...limits.map((line) => line.trimStart()),
    "",
    ...coalition(job, "resource"),
    "",
    ...coalition(job, "jetsam"),
    "",
    `spawn type = ${SPAWN_TYPES[definition.processType] ?? "daemon (3)"}`,
    "jetsam priority = 40",
    "jetsam memory limit (active) = (unlimited)",
    "jetsam memory limit (inactive) = (unlimited)",
    "jetsamproperties category = daemon",
    "jetsam thread limit = 32",
    "cpumon = default",
    `job state = ${pid === undefined ? "exited" : "running"}`,
    ...(facts.guardMalloc
      ? block("probabilistic guard malloc policy", ["activation rate = 1/1000", "sample rate = 1/0"])
      : []),
    "",
    `properties = ${properties(job)}`,
  ];
  return `${domainName}/${definition.label} = {\n${lines.map((line) => (line === "" ? "" : `\t${line}`)).join("\n")}\n}\n`;
}

/** Third column of `launchctl list`, and the services block of a domain: a negative status is a signal (man launchctl). */
function status(job: Job): string {
  const { lastEnding } = job;
  if (lastEnding === undefined) return "0";
  return "code" in lastEnding
    ? String(lastEnding.code)
    : `-${(SIGNALS[lastEnding.signal] ?? ": 1").split(": ")[1] ?? ""}`;
}

export function listJobs(manager: Manager): string {
  const rows = [...manager.jobs.values()].map((job) => `${job.pid ?? "-"}\t${status(job)}\t${job.definition.label}\n`);
  return `PID\tStatus\tLabel\n${rows.join("")}`;
}

/** The head of a session's is a guess. */
export function printDomain({ name, manager, session }: Domain): string {
  const rows = [...manager.jobs.values()].map(
    (job) => `\t\t${String(job.pid ?? 0).padStart(8)} ${status(job).padStart(7)} \t${job.definition.label}\n`,
  );
  return `${name} = {\n\ttype = ${session === undefined ? "system" : "login"}\n\thandle = ${session?.asid ?? 0}\n\tactive count = ${rows.length}\n\n\tservices = {\n${rows.join("")}\t}\n\n${overridesBlock(manager)}}\n`; // prettier-ignore
}

/** Source: the rules of macOS Security Compliance grep for `"LABEL" => enabled` (facts/macos.md 1.3). */
export function overridesBlock(manager: Manager): string {
  const rows = [...manager.overrides].map(([label, off]) => `\t\t"${label}" => ${off ? "disabled" : "enabled"}\n`);
  return `\tdisabled services = {\n${rows.join("")}\t}\n`;
}
