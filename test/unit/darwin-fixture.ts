import { existsSync, readFileSync } from "node:fs";
import { parse } from "plist";
import type { ExecResult } from "../../node/lib/exec.ts";

/** How a call of a program ended. */
export function ended(status: number, stdout = "", stderr = ""): ExecResult {
  return { status, signal: null, stdout, stderr, timedOut: false, truncated: false, seconds: 0 };
}

interface Definition {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly interval?: number | undefined;
}

interface FakeJob extends Definition {
  readonly path: string;
  pid: number;
  state: string;
  runs: number;
}

/**
 * A launchd of the test's own, as far as `launchctl` shows one: asynchronous bootout, its exit statuses and texts
 * (facts: macos.md 1). No process runs.
 */
export class FakeLaunchd {
  readonly calls: string[] = [];
  readonly jobs = new Map<string, FakeJob>();
  readonly disabled = new Set<string>();
  /** Uids that are logged in at the screen. */
  readonly sessions = new Set<number>();
  /** What launchd says of any other session: 112, or 125 once somebody was there (facts: macos.md 1.1). */
  noSession: 112 | 125 = 112;
  /** What a definition says, by path; without, what the file there says. */
  readonly definitions = new Map<string, Definition>();
  /** Which boot the kernel says it is; undefined: it does not say. */
  boot: string | undefined = "6B1A3C80-0000-5000-8000-0123456789AB";
  /** How many looks a job survives its bootout. */
  lingers = 2;
  /** How many bootstraps answer 5 although nothing is in the way. */
  busy = 0;
  /** Loads without a start. */
  lazy = false;
  /** What runs is what was loaded before. */
  stale = false;
  #leaving = new Map<string, number>();
  #pid = 4_000_000;

  readonly run = async (argv: readonly string[]): Promise<ExecResult> => {
    const [program = "", ...words] = argv;
    if (program === "/usr/bin/plutil") return ended(0, JSON.stringify(this.#plist(words.at(-1) ?? "")));
    if (program === "/usr/sbin/sysctl") return this.boot === undefined ? ended(1) : ended(0, `${this.boot}\n`);
    if (program !== "/bin/launchctl") return ended(127);
    this.calls.push(words.join(" "));
    const [verb = "", where = "", path = ""] = words;
    const uid = /^gui\/(\d+)/.exec(where)?.[1];
    if (uid !== undefined && !this.sessions.has(Number(uid)))
      return this.noSession === 112
        ? ended(112, "", `Bad request.\nCould not find domain for user gui: ${uid}\n`)
        : ended(125, "", "Domain does not support specified action\n");
    if (verb === "print" && /^gui\/\d+$/.test(where)) return ended(0, `${where} = {\n}\n`);
    return this.#answer(verb, where.replace(/^(?:system|gui\/\d+)\//, ""), path);
  };

  load(label: string, path: string, pid: number): void {
    this.jobs.set(label, {
      path,
      ...this.#definition(path),
      pid,
      state: pid === 0 ? "not running" : "running",
      runs: 1,
    });
  }

  #plist(path: string) {
    const { arguments: words, environment, interval } = this.#definition(path);
    return { ProgramArguments: words, EnvironmentVariables: environment, StartInterval: interval };
  }

  #definition(path: string): Definition {
    const given = this.definitions.get(path);
    if (given !== undefined) return given;
    const content = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (!content.includes("<dict>")) return { arguments: [], environment: {} };
    const file = parse(content) as Readonly<Record<string, unknown>>;
    return {
      arguments: file["ProgramArguments"] as readonly string[],
      environment: (file["EnvironmentVariables"] ?? {}) as Readonly<Record<string, string>>,
      interval: file["StartInterval"] as number | undefined,
    };
  }

  #answer(verb: string, label: string, path: string): ExecResult {
    const job = this.jobs.get(label);
    const unknown = ended(113, "", `Bad request.\nCould not find service "${label}" in domain for system\n`);
    switch (verb) {
      case "print":
        if (job === undefined) return unknown;
        if (this.#leaving.has(label)) this.#leave(label);
        return ended(0, this.#print(label, job));
      case "print-disabled":
        return ended(0, `\tdisabled services = {\n${[...this.disabled].map((one) => `\t\t"${one}" => disabled\n`).join("")}\t}\n`); // prettier-ignore
      case "enable":
        this.disabled.delete(label);
        return ended(0);
      case "bootout":
        if (job === undefined) return ended(3, "", "Boot-out failed: 3: No such process\n");
        this.#leaving.set(label, this.lingers);
        return ended(0);
      case "bootstrap":
        return this.#bootstrap(path);
      case "kickstart":
        if (job === undefined) return unknown;
        this.#start(job);
        return ended(0);
      default:
        return ended(64, "", "Unrecognized subcommand\n");
    }
  }

  #leave(label: string): void {
    const left = (this.#leaving.get(label) ?? 0) - 1;
    this.#leaving.set(label, left);
    if (left > 0) return;
    this.#leaving.delete(label);
    this.jobs.delete(label);
  }

  #bootstrap(path: string): ExecResult {
    const label = /([^/]+)\.plist$/.exec(path)?.[1] ?? "";
    if (this.disabled.has(label)) return ended(119, "", "Bootstrap failed: 119: Service is disabled\n");
    if (this.jobs.has(label) || this.busy > 0) {
      this.busy -= 1;
      return ended(5, "", "Bootstrap failed: 5: Input/output error\n");
    }
    this.load(label, path, 0);
    const job = this.jobs.get(label);
    if (job !== undefined && this.stale) this.jobs.set(label, { ...job, arguments: ["/old"] });
    const loaded = this.jobs.get(label);
    if (loaded !== undefined && !this.lazy) this.#start(loaded);
    return ended(0);
  }

  #start(job: FakeJob): void {
    job.pid = this.#pid++;
    job.state = "running";
  }

  #print(label: string, job: FakeJob): string {
    return [
      `system/${label} = {`,
      "\tactive count = 1",
      `\tpath = ${job.path}`,
      "\ttype = LaunchDaemon",
      `\tstate = ${job.state}`,
      "",
      "\targuments = {",
      ...job.arguments.map((word) => `\t\t${word}`),
      "\t}",
      "",
      "\tenvironment = {",
      "\t\tOSLogRateLimit => 64",
      ...Object.entries(job.environment).map(([name, value]) => `\t\t${name} => ${value}`),
      `\t\tXPC_SERVICE_NAME => ${label}`,
      "\t}",
      "",
      `\truns = ${job.runs}`,
      ...(job.interval === undefined ? [] : [`\trun interval = ${job.interval} seconds`]),
      ...(job.pid === 0 ? [] : [`\tpid = ${job.pid}`]),
      "\tlast exit code = (never exited)",
      "",
      "\tresource coalition = {",
      "\t\tID = 1234",
      "\t\tstate = active",
      "\t\tactive count = 1",
      "\t}",
      "",
      "\tprobabilistic guard malloc policy = {",
      "\t\tactivation rate = 1/1000",
      "\t}",
      "",
      "\tproperties = keepalive | runatload",
      "}",
      "",
    ].join("\n");
  }
}
