import { ERR } from "./errors.ts";
import type { JobDefinition } from "./definition.ts";
import { afterExit, isDue, newJob, nextDue, type Ending, type Job } from "./job.ts";

/** What the manager wants done; whoever drives it does it and reports back. */
export type Action =
  | { readonly kind: "spawn"; readonly label: string }
  | { readonly kind: "signal"; readonly pid: number; readonly signal: NodeJS.Signals }
  /** What is left of the job's process group when its process has ended. */
  | { readonly kind: "kill group"; readonly pid: number }
  | { readonly kind: "log"; readonly subject: string; readonly level: "Notice" | "Warning"; readonly text: string }
  /** A `kickstart` that waited has its answer. */
  | { readonly kind: "answer"; readonly ticket: number; readonly pid: number };

/** Behaviour seen on some machines only; a test switches it on (facts/macos.md 1.3, 9). */
export interface Faults {
  /** bootstrap answers 5 this many more times although nothing is in its way. */
  readonly spuriousBootstrapErrors?: number;
  /** Label of which `kickstart` never answers. */
  readonly kickstartHangs?: string;
  /** Label that bootstrap loads without starting it. */
  readonly bootstrappedNotStarted?: string;
  /** bootstrap of what is loaded answers this instead of 5: 17 or 37. */
  readonly alreadyBootstrapped?: 17 | 37;
  /** `print` leaves the guard malloc block out, as older releases do. */
  readonly noGuardMalloc?: boolean;
}

/** Tickets are told apart over all domains. */
let tickets = 0;

/**
 * Stand-in for one domain of launchd's: what state each job is in and what happens next. No clock and no processes of its
 * own: the time in milliseconds comes with every call, and what has to be done leaves by `take`.
 */
export class Manager {
  readonly jobs = new Map<string, Job>();
  /** Label -> disabled; survives jobs, their files and the machine's restarts (man launchctl, `enable`). */
  readonly overrides: Map<string, boolean>;
  readonly #domain: string;
  #actions: Action[] = [];

  /** @param domain as its log lines name it. */
  constructor(overrides: ReadonlyMap<string, boolean> = new Map(), domain = "system") {
    this.overrides = new Map(overrides);
    this.#domain = domain;
  }

  /** What is to be done since the last call. */
  take(): Action[] {
    const taken = this.#actions;
    this.#actions = [];
    return taken;
  }

  isDisabled(definition: JobDefinition): boolean {
    return this.overrides.get(definition.label) ?? definition.disabled;
  }

  /** Loads a job. Status as of errors.ts; 0 also means that it was started when its definition asks for that. */
  bootstrap(definition: JobDefinition, path: string, now: number, faults: Faults = {}): number {
    const loaded = this.jobs.get(definition.label);
    if (loaded?.leaving === true) return ERR.io;
    if (loaded !== undefined) return faults.alreadyBootstrapped ?? ERR.io;
    if (this.isDisabled(definition)) return ERR.disabled;
    const job = newJob(definition, path, now);
    this.jobs.set(definition.label, job);
    if (definition.runAtLoad && faults.bootstrappedNotStarted !== definition.label)
      this.#start(job, "speculative", now);
    return 0;
  }

  /** Unloads a job. 0 does not mean that it is gone: it stays until its process has ended. */
  bootout(label: string, now: number, caller = "launchctl"): number {
    const job = this.jobs.get(label);
    if (job === undefined) return ERR.noProcess;
    if (job.leaving) return ERR.inProgress;
    this.#log(undefined, "Notice", `booting out service: caller = ${caller}, service = ${label}`);
    job.leaving = true;
    job.dueAt = undefined;
    if (job.pid === undefined) this.#remove(job);
    else this.#terminate(job, now);
    return 0;
  }

  /** `kill`: the running process is replaced. The answer may have to wait: then it comes with the ticket. */
  kickstart(label: string, now: number, kill: "keep" | "kill"): { status: number; pid?: number; ticket?: number } {
    const job = this.jobs.get(label);
    if (job === undefined) return { status: ERR.noService };
    if (job.leaving) return { status: ERR.already };
    if (job.state === "running" && kill === "keep")
      return { status: 0, ...(job.pid !== undefined && { pid: job.pid }) };
    if (job.pid !== undefined) {
      if (job.state === "running") this.#terminate(job, now);
      job.restartAtOnce = true;
      return { status: 0, ticket: this.#wait(job) };
    }
    if (job.state === "spawn scheduled") {
      // held until its time: 0 at once, but with -k launchctl sits there (facts/macos.md 1.3, 1.5)
      return kill === "kill" ? { status: 0, ticket: this.#wait(job) } : { status: 0 };
    }
    if (now < nextDue(job)) {
      this.#schedule(job, nextDue(job));
      return { status: 0 };
    }
    const ticket = this.#wait(job);
    this.#start(job, "non-ipc demand", now);
    return { status: 0, ticket };
  }

  /** Sends a signal to the process of a job. Status as of errors.ts. */
  signal(label: string, signal: NodeJS.Signals): number {
    const job = this.jobs.get(label);
    if (job === undefined) return ERR.noService;
    if (job.pid === undefined) return ERR.noProcess;
    this.#actions.push({ kind: "signal", pid: job.pid, signal });
    return 0;
  }

  /** The process of a job was started. */
  spawned(label: string, pid: number, now: number): void {
    const job = this.jobs.get(label);
    if (job === undefined) return;
    job.pid = pid;
    job.state = "running";
    job.runs += 1;
    job.lastSpawn = now;
    for (const ticket of job.waiting.splice(0)) this.#actions.push({ kind: "answer", ticket, pid });
    this.#log(job, "Notice", "service state: running");
  }

  /** The process of a job has ended. */
  exited(label: string, ending: Ending, now: number): void {
    const job = this.jobs.get(label);
    if (job?.pid === undefined) return;
    const { pid } = job;
    job.pid = undefined;
    job.killAt = undefined;
    job.lastEnding = ending;
    job.state = "not running";
    if (!job.definition.abandonProcessGroup) this.#actions.push({ kind: "kill group", pid });
    this.#log(job, "Notice", "service state: exited");
    if (job.leaving) {
      this.#remove(job);
      return;
    }
    if (job.restartAtOnce) {
      job.restartAtOnce = false;
      this.#start(job, "non-ipc demand", now);
      return;
    }
    const next = afterExit(job, ending, now);
    if (next === undefined) return;
    const ran = Math.floor((now - (job.lastSpawn ?? now)) / 1000);
    const wait = Math.ceil((next - now) / 1000);
    if (wait <= 0) {
      this.#start(job, "inefficient", now);
      return;
    }
    this.#log(job, "Warning", `Service only ran for ${ran} seconds. Pushing respawn out by ${wait} seconds.`);
    this.#schedule(job, next);
  }

  /** Does what is due at `now`. */
  tick(now: number): void {
    for (const job of [...this.jobs.values()]) {
      if (job.killAt !== undefined && now >= job.killAt && job.pid !== undefined) {
        job.killAt = undefined;
        job.state = "SIGKILLed";
        this.#log(job, "Warning", `Service did not exit ${job.definition.exitTimeOut} seconds after SIGTERM. Sending SIGKILL.`); // prettier-ignore
        this.#actions.push({ kind: "signal", pid: job.pid, signal: "SIGKILL" });
      }
      // a timer that fires while the job runs is lost (man launchd.plist, StartInterval)
      if (job.pid !== undefined && job.dueAt !== undefined && now >= job.dueAt) job.dueAt = nextDue(job, now);
      if (isDue(job, now)) this.#start(job, job.state === "spawn scheduled" ? "inefficient" : "non-ipc demand", now);
    }
  }

  /** When `tick` has something to do next; undefined when only events can change anything. */
  nextWake(): number | undefined {
    const times = [...this.jobs.values()]
      .flatMap((job) => [job.killAt, job.dueAt])
      .filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Boots everything out, for the machine going down. */
  shutDown(now: number): void {
    for (const label of [...this.jobs.keys()]) this.bootout(label, now, "launchd");
  }

  #start(job: Job, reason: Job["reason"], now: number): void {
    job.state = "spawning";
    job.reason = reason;
    job.dueAt = nextDue(job, now);
    this.#actions.push({ kind: "spawn", label: job.definition.label });
  }

  #schedule(job: Job, at: number): void {
    job.state = "spawn scheduled";
    job.dueAt = at;
  }

  #terminate(job: Job, now: number): void {
    if (job.pid === undefined) return;
    job.state = "SIGTERMed";
    const { exitTimeOut } = job.definition;
    job.killAt = exitTimeOut === 0 ? undefined : now + exitTimeOut * 1000;
    this.#log(job, "Notice", "service state: SIGTERMed");
    this.#log(job, "Notice", `scheduling cleanup in ${exitTimeOut} sec after sending Terminated: 15`);
    this.#actions.push({ kind: "signal", pid: job.pid, signal: "SIGTERM" });
  }

  #remove(job: Job): void {
    this.jobs.delete(job.definition.label);
    this.#log(job, "Notice", "removing service");
    for (const ticket of job.waiting.splice(0)) this.#actions.push({ kind: "answer", ticket, pid: 0 });
  }

  #wait(job: Job): number {
    tickets += 1;
    job.waiting.push(tickets);
    return tickets;
  }

  #log(job: Job | undefined, level: "Notice" | "Warning", text: string): void {
    const pid = job?.pid === undefined ? "" : ` [${job.pid}]`;
    const subject = job === undefined ? this.#domain : `${this.#domain}/${job.definition.label}${pid}`;
    this.#actions.push({ kind: "log", subject, level, text });
  }
}
