import { constants } from "node:os";
import { BadDefinition, parseDefinition, type JobDefinition } from "./definition.ts";
import type { Domain, Domains } from "./domains.ts";
import { ERR, errorText } from "./errors.ts";
import type { Faults } from "./manager.ts";
import { listJobs, overridesBlock, printDomain, printJob } from "./print.ts";

export interface Request {
  readonly argv: readonly string[];
  /** Of whoever calls. The stand-in believes what its own launchctl says. */
  readonly uid: number;
  readonly cwd: string;
  readonly caller: string;
}

export interface Reply {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Set: the answer comes when the manager gives this ticket back; stdout then gets the pid where `printsPid`. */
  readonly ticket?: number;
  readonly printsPid?: boolean;
}

/** What the verbs need from the machine. */
export interface Machine {
  now(): number;
  /** Content of a property list, its owner and mode bits, or undefined when there is no such file. */
  readPlist(path: string, cwd: string): { bytes: Uint8Array; uid: number; mode: number; path: string } | undefined;
  groupNameOf(definition: JobDefinition): string | undefined;
  saveOverrides(domain: Domain): void;
  faults(): Faults;
  countSpuriousError(): void;
}

const ok = (stdout = ""): Reply => ({ code: 0, stdout, stderr: "" });
const failure = (code: number, stderr: string): Reply => ({ code, stdout: "", stderr });

const RICHER = "Try re-running the command as root for richer errors.\n";
const HELP = "Usage: launchctl <subcommand> ... | help [subcommand]\n";

function badTarget(verb: string): Reply {
  return failure(ERR.usage, `Unrecognized target specifier.\nUsage: launchctl ${verb} <domain-target|service-target>\n<service-target> takes a form of <domain-target>/<service-id>.\n`); // prettier-ignore
}

/** What a service target names. */
interface Service {
  readonly domain: Domain;
  readonly label: string;
}

function isReply(found: Service | Domain | Reply): found is Reply {
  return "code" in found;
}

/** Root may change every domain, a user the one of its own session. */
function mayChange({ session }: Domain, { uid }: Request): boolean {
  return uid === 0 || uid === session?.uid;
}

/** As error texts name a domain. */
function inWords({ session }: Domain): string {
  return session === undefined ? "system" : `user gui: ${session.uid}`;
}

/** Stand-in for launchctl; verbs, texts and exit codes of facts/macos.md 1.2 and 1.3 (man launchctl, Procursus). */
export class Verbs {
  readonly #domains: Domains;
  readonly #machine: Machine;

  constructor(domains: Domains, machine: Machine) {
    this.#domains = domains;
    this.#machine = machine;
  }

  run(request: Request): Reply {
    const [verb = "", ...args] = request.argv;
    const table: Readonly<Record<string, (args: readonly string[], request: Request) => Reply>> = {
      bootstrap: this.#bootstrap,
      bootout: this.#bootout,
      kickstart: this.#kickstart,
      kill: this.#kill,
      enable: this.#enable,
      disable: this.#disable,
      print: this.#print,
      "print-disabled": this.#printDisabled,
      list: this.#list,
      blame: this.#blame,
      load: this.#load,
      unload: this.#unload,
      remove: this.#remove,
      managername: () => ok(request.caller === "launchd" ? "System\n" : "Background\n"),
      managerpid: () => ok("1\n"),
      manageruid: () => ok("0\n"),
      error: this.#error,
      help: () => ok(HELP),
      version: () => ok("stand-in for launchd of macOS, part of Gatehouse's tests\n"),
    };
    const action = Object.hasOwn(table, verb) ? table[verb] : undefined;
    if (action === undefined) return failure(ERR.usage, `Unrecognized subcommand: ${verb}\n${HELP}`);
    return action.call(this, args, request);
  }

  /** `system/LABEL`, `gui/UID/LABEL`; a reply when it is no target, or its domain is not there. */
  #service(verb: string, target: string | undefined): Service | Reply {
    const [first = "", second = "", ...rest] = (target ?? "").split("/");
    const [name, label] = first === "system" ? [first, [second, ...rest].join("/")] : [`${first}/${second}`, rest.join("/")]; // prettier-ignore
    const domain = this.#domain(verb, name);
    if (isReply(domain)) return domain;
    return label === "" ? badTarget(verb) : { domain, label };
  }

  #domain(verb: string, name: string): Domain | Reply {
    const found = this.#domains.find(name);
    if (found !== undefined) return found;
    const [kind = "", id = ""] = name.split("/");
    return ["gui", "user", "login", "pid"].includes(kind) ? this.#noDomain(kind, id) : badTarget(verb);
  }

  /** That user has not logged in at the screen since boot (facts/macos.md 1.1). */
  #noDomain(domain: string, id: string): Reply {
    return failure(
      ERR.noDomain,
      `Bad request.\nCould not find domain for ${domain === "user" ? "uid" : "user gui"}: ${id}\n`,
    );
  }

  #noService({ domain, label }: Service): Reply {
    return failure(ERR.noService, `Bad request.\nCould not find service "${label}" in domain for ${inWords(domain)}\n`);
  }

  #bootstrap(args: readonly string[], request: Request): Reply {
    const [name = "", ...paths] = args;
    const failed = (code: number, before = ""): Reply =>
      failure(code, `${before}Bootstrap failed: ${code}: ${errorText(code)}\n`);
    const domain = this.#domain("bootstrap", name);
    if (isReply(domain)) return domain.code === ERR.noDomain ? failed(ERR.noAction) : domain;
    if (paths.length === 0) return badTarget("bootstrap");
    if (!mayChange(domain, request)) return failure(ERR.io, `Bootstrap failed: 5: ${errorText(ERR.io)}\n${RICHER}`);
    const faults = this.#machine.faults();
    if ((faults.spuriousBootstrapErrors ?? 0) > 0) {
      this.#machine.countSpuriousError();
      return failed(ERR.io);
    }
    const problems: { code: number; text: string }[] = [];
    for (const path of paths) {
      const code = this.loadFile(domain, path, request.cwd);
      if (code !== 0) problems.push({ code, text: this.#bootstrapNote(path, code) });
    }
    if (problems.length === 0) return ok();
    const code = problems.length > 1 || paths.length > 1 ? 133 : (problems[0]?.code ?? ERR.io);
    return failed(code, problems.map(({ text }) => text).join(""));
  }

  /** EIO comes without a word of why. */
  #bootstrapNote(path: string, code: number): string {
    if (code === ERR.io) return "";
    return `${path}: ${code === 17 || code === ERR.already ? "service already bootstrapped" : errorText(code)}\n`;
  }

  /** Loads a job from its file. Status as of errors.ts. */
  loadFile({ manager, session }: Domain, path: string, cwd: string): number {
    const file = this.#machine.readPlist(path, cwd);
    if (file === undefined) return ERR.io;
    if (![0, session?.uid].includes(file.uid) || (file.mode & 0o022) !== 0) return ERR.badOwnership;
    try {
      return manager.bootstrap(parseDefinition(file.bytes), file.path, this.#machine.now(), this.#machine.faults());
    } catch (error) {
      if (error instanceof BadDefinition) return error.code;
      throw error;
    }
  }

  #bootout(args: readonly string[], request: Request): Reply {
    const [target = "", path] = args;
    const failed = (code: number): Reply => failure(code, `Boot-out failed: ${code}: ${errorText(code)}\n`);
    // in the help of macOS 26, refused by 15 (facts/macos.md 1.3)
    if (target.startsWith("-")) return badTarget("bootout");
    const whole = this.#domains.find(target);
    const loaded = whole === undefined || path === undefined ? undefined : this.#labelOf(path, request.cwd);
    if (whole !== undefined && (loaded === undefined || !whole.manager.jobs.has(loaded))) return failed(ERR.io);
    const service = whole === undefined ? this.#service("bootout", target) : { domain: whole, label: loaded ?? "" };
    if (isReply(service)) return service.code === ERR.noDomain ? failed(ERR.noAction) : service;
    if (!mayChange(service.domain, request)) return failed(ERR.notPermitted);
    const code = service.domain.manager.bootout(service.label, this.#machine.now(), request.caller);
    return code === 0 ? ok() : failed(code);
  }

  #labelOf(path: string, cwd: string): string | undefined {
    const file = this.#machine.readPlist(path, cwd);
    try {
      return file === undefined ? undefined : parseDefinition(file.bytes).label;
    } catch {
      return undefined;
    }
  }

  #kickstart(args: readonly string[], request: Request): Reply {
    const options = args.filter((arg) => arg.startsWith("-")).join("");
    const service = this.#service(
      "kickstart",
      args.find((arg) => !arg.startsWith("-")),
    );
    if (isReply(service)) return service;
    const { domain, label } = service;
    const failed = (code: number): Reply =>
      failure(code, `Could not kickstart service "${label}": ${code}: ${errorText(code)}\n`);
    if (!mayChange(domain, request)) return failed(ERR.notPermitted);
    const printsPid = options.includes("p");
    if (this.#machine.faults().kickstartHangs === label) return { ...ok(), ticket: -1 };
    const { status, pid, ticket } = domain.manager.kickstart(label, this.#machine.now(), options.includes("k") ? "kill" : "keep"); // prettier-ignore
    if (status === ERR.noService) return failure(status, this.#noService(service).stderr.replace("Bad request.\n", ""));
    if (status !== 0) return failed(status);
    if (ticket !== undefined) return { ...ok(), ticket, printsPid };
    return ok(printsPid && pid !== undefined ? `${pid}\n` : "");
  }

  #override(args: readonly string[], request: Request, verb: "enable" | "disable"): Reply {
    const service = this.#service(verb, args[0]);
    if (isReply(service)) return service;
    const { domain, label } = service;
    if (!mayChange(domain, request))
      return failure(ERR.notPermitted, `Could not ${verb} service: 1: ${errorText(ERR.notPermitted)}\n`);
    domain.manager.overrides.set(label, verb === "disable");
    this.#machine.saveOverrides(domain);
    return ok();
  }

  #enable(args: readonly string[], request: Request): Reply {
    return this.#override(args, request, "enable");
  }

  #disable(args: readonly string[], request: Request): Reply {
    return this.#override(args, request, "disable");
  }

  #print(args: readonly string[]): Reply {
    const whole = this.#domains.find(args[0] ?? "");
    if (whole !== undefined) return ok(printDomain(whole));
    const service = this.#service("print", args[0]);
    if (isReply(service)) return service;
    const { manager, session } = service.domain;
    const job = manager.jobs.get(service.label);
    if (job === undefined) return this.#noService(service);
    const groupName = this.#machine.groupNameOf(job.definition);
    return ok(printJob(job, { groupName, session, guardMalloc: this.#machine.faults().noGuardMalloc !== true }));
  }

  #printDisabled(args: readonly string[]): Reply {
    const domain = this.#domain("print-disabled", args[0] ?? "");
    return isReply(domain) ? domain : ok(overridesBlock(domain.manager));
  }

  #list(args: readonly string[]): Reply {
    const [label] = args;
    const { manager } = this.#domains.system;
    if (label === undefined) return ok(listJobs(manager));
    const job = manager.jobs.get(label);
    if (job === undefined) return failure(ERR.noService, `Could not find service "${label}" in domain for system\n`);
    const pid = job.pid === undefined ? "" : `\t"PID" = ${job.pid};\n`;
    return ok(`{\n\t"LimitLoadToSessionType" = "System";\n\t"Label" = "${label}";\n${pid}\t"Program" = "${job.definition.program}";\n};\n`); // prettier-ignore
  }

  #blame(args: readonly string[]): Reply {
    const service = this.#service("blame", args[0]);
    if (isReply(service)) return service;
    const job = service.domain.manager.jobs.get(service.label);
    return job === undefined ? this.#noService(service) : ok(`${job.reason}\n`);
  }

  /** Man launchctl: the legacy verbs report success whatever happens. */
  #load(args: readonly string[], request: Request): Reply {
    const path = args.find((arg) => !arg.startsWith("-"));
    if (path === undefined) return failure(ERR.usage, "Usage: launchctl load <service-path, service-path2, ...>\n");
    const code = request.uid === 0 ? this.loadFile(this.#domains.system, path, request.cwd) : ERR.io;
    return code === 0 ? ok() : { ...ok(), stderr: `Load failed: ${code}: ${errorText(code)}\n` };
  }

  #unload(args: readonly string[], request: Request): Reply {
    const path = args.find((arg) => !arg.startsWith("-"));
    if (path === undefined) return failure(ERR.usage, "Usage: launchctl unload <service-path, service-path2, ...>\n");
    const label = this.#labelOf(path, request.cwd);
    const code = label === undefined || request.uid !== 0 ? ERR.io : this.#domains.system.manager.bootout(label, this.#machine.now(), request.caller); // prettier-ignore
    return code === 0 ? ok() : { ...ok(), stderr: `Unload failed: ${code}: ${errorText(code)}\n` };
  }

  #remove(args: readonly string[], request: Request): Reply {
    if (args[0] === undefined) return failure(ERR.usage, "Usage: launchctl remove <service-label>\n");
    if (request.uid === 0) this.#domains.system.manager.bootout(args[0], this.#machine.now(), request.caller);
    return ok();
  }

  #error(args: readonly string[]): Reply {
    const code = Number(args.at(-1));
    if (!Number.isInteger(code)) return failure(ERR.usage, "Usage: launchctl error <error-code>\n");
    return ok(`${code}: ${errorText(code)}\n`);
  }

  #kill(args: readonly string[], request: Request): Reply {
    const [word = "", target] = args;
    const service = this.#service("kill", target);
    if (isReply(service)) return service;
    const { domain, label } = service;
    const names = Object.entries(constants.signals) as [NodeJS.Signals, number][];
    const signal = names.find(([name, number]) => [name, name.slice(3), String(number)].includes(word))?.[0];
    if (signal === undefined) return failure(ERR.usage, "Usage: launchctl kill <signame|signum> <service-target>\n");
    const code = mayChange(domain, request) ? domain.manager.signal(label, signal) : ERR.notPermitted;
    if (code === ERR.noService) return this.#noService(service);
    return code === 0 ? ok() : failure(code, `Could not signal service: ${code}: ${errorText(code)}\n`);
  }
}
