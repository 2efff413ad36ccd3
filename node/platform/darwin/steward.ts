import { spawnSync } from "node:child_process";
import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT, type StartsAt } from "../../protocol.ts";
import { ensureDirectory, writeFileAtomic } from "../../lib/atomic.ts";
import { PhaseFailure, errnoOf } from "../../lib/failure.ts";
import { readTextOrNull } from "../../lib/json-file.ts";
import { homePaths, type NodePaths } from "../../lib/paths.ts";
import { gatewayOfUser, type RegisteredGateway } from "../../lib/registry.ts";
import { noSession } from "../../lib/require-start.ts";
import type { RequestHandler } from "../../lib/root-link.ts";
import { integer, object, oneOf, optional, textLike } from "../../lib/shape.ts";
import { renderCollector } from "./collector.ts";
import { bootOut, bootstrap, domainExists, domainOf, enable, findJob, loadJob, reloadJob, target, type Domain } from "./launchctl.ts"; // prettier-ignore
import { startMark } from "./log.ts";
import { deadManLabel, gatewayLabel, metricsLabel, settleLabel } from "./names.ts";
import { expectedOf, smallJob } from "./plist.ts";
import { listenerUid } from "./processes.ts";
import type { OsUser, ServiceSteward, StewardContext } from "../index.ts";

const ROOT = { uid: 0, gid: 0 } as const;
const PUBLIC = { mode: 0o644, owner: ROOT } as const;
/** newsyslog looks once an hour; 1 MiB, five old files. `N`: nobody is told, and launchd goes on in the renamed file. */
const ROTATION = "600\t5\t1024\t*\tN";

const VERBS = ["place", "remove", "enable", "restart", "stop", "schedule", "cancel", "repeat", "stopRepeating", "listener"] as const; // prettier-ignore

interface Request {
  readonly verb: (typeof VERBS)[number];
  readonly generation?: string;
  readonly seconds?: number;
  readonly everySeconds?: number;
  readonly port?: number;
}

const request = object<Request>({
  verb: oneOf(...VERBS),
  generation: optional(textLike(/^g-[0-9a-f]{16}$/, "a generation (g- and 16 hex digits)")),
  seconds: optional(integer(1, 3600)),
  // launchd starts no job more often than every 10 s
  everySeconds: optional(integer(10, 3600)),
  port: optional(integer(1, 65535)),
});

function keptUnit({ units }: NodePaths, gateway: string, generation: string): string {
  return join(units, gateway, `${generation}.plist`);
}

/** What root may do for one gateway's user, and nothing else; every path and label is root's own. */
class GatewayJobs {
  readonly #context: StewardContext;
  readonly #gateway: string;
  readonly #startsAt: StartsAt;
  readonly #user: OsUser;

  constructor(context: StewardContext, { gateway, startsAt = "boot" }: RegisteredGateway, user: OsUser) {
    this.#context = context;
    this.#gateway = gateway;
    this.#startsAt = startsAt;
    this.#user = user;
  }

  get #label(): string {
    return gatewayLabel(this.#gateway, this.#startsAt);
  }

  /** As root's registry has it: a step has no say in it. */
  get #domain(): Domain {
    return domainOf(this.#startsAt, this.#user.uid);
  }

  /** Of a gateway that starts at a login it is in its user's home: named to launchctl, neither read nor written by root. */
  get #definition(): string {
    if (this.#startsAt === "boot") return this.#daemon(this.#label);
    return join(homePaths(this.#user.home).launchAgents, `${this.#label}.plist`);
  }

  #daemon(label: string): string {
    return join(this.#context.paths.daemons, `${label}.plist`);
  }

  get #log(): string {
    return join(this.#context.paths.serviceLogs, `${this.#gateway}.log`);
  }

  get #rotation(): string {
    return join(this.#context.paths.logRotation, `gatehouse-${this.#gateway}.conf`);
  }

  get #timer(): string {
    return join(this.#context.paths.timers, `${deadManLabel(this.#gateway)}.plist`);
  }

  get #program(): string {
    return join(dirname(this.#context.programFile), "gatehouse-node");
  }

  /** Small jobs of ours: they call the program again, as root, which goes on as the gateway's user. */
  #settleJob(label: string, when: Readonly<Record<string, number | boolean>>): string {
    return smallJob({
      Label: label,
      ProgramArguments: [this.#program, "settle", "--user", this.#user.name],
      WorkingDirectory: "/",
      ...when,
      // a restart of the gateway at its slowest
      ExitTimeOut: 345,
      Umask: 0o077,
      ProcessType: "Interactive",
      StandardOutPath: "/dev/null",
      StandardErrorPath: "/dev/null",
    });
  }

  async place(generation: string): Promise<void> {
    const { paths } = this.#context;
    const content = await readTextOrNull(keptUnit(paths, this.#gateway, generation));
    if (content === null) {
      throw new PhaseFailure({
        layer: "config or disk",
        code: "unit-missing",
        message: `root has no definition of ${this.#label} for ${generation}`,
        fix: "apply the gateway again: `pulumi up --replace` with the URN of this gateway's gateway phase",
        exit: EXIT.os,
      });
    }
    await this.#prepareLog();
    await ensureDirectory(paths.logRotation, { mode: 0o755 });
    const files = [
      [this.#rotation, `${this.#log}\t${this.#user.name}:${this.#user.gid}\t${ROTATION}\n`],
      // read at the next boot, which is when it is for
      [this.#daemon(settleLabel(this.#gateway)), this.#settleJob(settleLabel(this.#gateway), { RunAtLoad: true })],
      ...(this.#startsAt === "boot" ? [[this.#definition, content] as const] : []),
    ] as const;
    for (const [path, text] of files)
      if ((await readTextOrNull(path)) !== text) await writeFileAtomic(path, text, PUBLIC);
  }

  /** The folder is root's, so nobody can put a link in the file's place; the file is the user's, who reads it. */
  async #prepareLog(): Promise<void> {
    const { uid, gid } = this.#user;
    await ensureDirectory(this.#context.paths.serviceLogs, { mode: 0o755, owner: ROOT });
    const handle = await open(this.#log, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600); // prettier-ignore
    try {
      await handle.chown(uid, gid);
      await handle.chmod(0o600);
    } finally {
      await handle.close();
    }
  }

  async #noteStart(): Promise<void> {
    await this.#prepareLog();
    const handle = await open(this.#log, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW);
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      // a process that was killed may have left half a line
      const cut = bytesRead === 1 && buffer.toString() !== "\n";
      await handle.appendFile(`${cut ? "\n" : ""}${startMark(new Date())}\n`);
    } finally {
      await handle.close();
    }
  }

  async enable(): Promise<void> {
    await enable(this.#label, this.#domain);
  }

  async restart(): Promise<void> {
    if (!(await domainExists(this.#domain))) throw noSession(this.#user.name);
    const expected = await expectedOf(this.#definition, this.#startsAt === "boot" ? undefined : this.#user);
    // first: what the old process says last belongs before the note
    await bootOut(this.#label, this.#domain);
    await this.#noteStart();
    await reloadJob(this.#label, this.#definition, expected, this.#domain);
  }

  async stop(): Promise<void> {
    await bootOut(this.#label, this.#domain);
  }

  async schedule(seconds: number): Promise<void> {
    const label = deadManLabel(this.#gateway);
    await this.cancel();
    await ensureDirectory(this.#context.paths.timers, { mode: 0o700, owner: ROOT });
    await writeFileAtomic(this.#timer, this.#settleJob(label, { StartInterval: seconds }), PUBLIC);
    await bootstrap(label, this.#timer);
  }

  async cancel(): Promise<void> {
    const label = deadManLabel(this.#gateway);
    const job = await findJob(label);
    if (job !== undefined && job.pid === process.pid) {
      // the timer fired, and this is its process: launchd ends it with the job, so that comes last
      process.once("exit", () => spawnSync("/bin/launchctl", ["bootout", target(label)], { timeout: 5000 }));
    } else {
      await bootOut(label);
    }
    await rm(this.#timer, { force: true });
  }

  /** Collects the gateway's metrics from now on and after a boot. */
  async repeat(everySeconds: number): Promise<void> {
    const label = metricsLabel(this.#gateway);
    const path = this.#daemon(label);
    const [gateway, user, startsAt] = [this.#gateway, this.#user, this.#startsAt];
    const content = renderCollector({
      gateway,
      user,
      startsAt,
      argv: [this.#program, "collect-metrics"],
      everySeconds,
    });
    await writeFileAtomic(path, content, PUBLIC);
    await loadJob(label, path, await expectedOf(path));
  }

  async stopRepeating(): Promise<void> {
    const label = metricsLabel(this.#gateway);
    await bootOut(label);
    await rm(this.#daemon(label), { force: true });
  }

  async remove(): Promise<void> {
    const settle = settleLabel(this.#gateway);
    await this.stop();
    await this.stopRepeating();
    // it may have settled at the last boot and still be loaded
    await bootOut(settle);
    const own = this.#startsAt === "boot" ? [this.#definition] : [];
    for (const path of [...own, this.#daemon(settle), this.#rotation]) await rm(path, { force: true });
    for (const name of await namesIn(dirname(this.#log)))
      if (name === `${this.#gateway}.log` || name.startsWith(`${this.#gateway}.log.`))
        await rm(join(dirname(this.#log), name), { force: true });
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
}

function required<T>(value: T | undefined, field: string): T {
  if (value !== undefined) return value;
  throw new PhaseFailure({
    layer: "host",
    code: "root-link",
    message: `a request to root has no ${field}`,
    fix: "this is a defect of gatehouse: report it",
    exit: EXIT.usage,
  });
}

async function carryOut(untrusted: unknown, jobs: GatewayJobs): Promise<unknown> {
  const { verb, generation, seconds, everySeconds, port } = request(untrusted, "request");
  switch (verb) {
    case "place":
      await jobs.place(required(generation, "generation"));
      return null;
    case "schedule":
      await jobs.schedule(required(seconds, "seconds"));
      return null;
    case "repeat":
      await jobs.repeat(required(everySeconds, "everySeconds"));
      return null;
    case "listener":
      return (await listenerUid(required(port, "port"))) ?? null;
    default:
      await jobs[verb]();
      return null;
  }
}

export const darwinSteward: ServiceSteward = {
  async keepUnit(paths, gateway, generation, content) {
    for (const directory of [paths.units, join(paths.units, gateway)])
      await ensureDirectory(directory, { mode: 0o700, owner: ROOT });
    const path = keptUnit(paths, gateway, generation);
    if ((await readTextOrNull(path)) !== content) await writeFileAtomic(path, content, { mode: 0o600, owner: ROOT });
  },
  async forgetUnits(paths, gateway, kept) {
    const directory = join(paths.units, gateway);
    for (const name of await namesIn(directory))
      if (!kept.includes(name.replace(/\.plist$/, ""))) await rm(join(directory, name), { force: true });
    if (kept.length === 0) await rm(directory, { recursive: true, force: true });
  },
  async canStart(paths, user) {
    const own = await gatewayOfUser(paths, user.name);
    return await domainExists(domainOf(own?.startsAt ?? "boot", user.uid));
  },
  async handlerFor(context, user) {
    const own = await gatewayOfUser(context.paths, user.name);
    if (own === undefined) return undefined;
    const jobs = new GatewayJobs(context, own, user);
    const handle: RequestHandler = (untrusted) => carryOut(untrusted, jobs);
    return handle;
  },
};
