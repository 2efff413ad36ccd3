import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, chmodSync } from "node:fs"; // prettier-ignore
import { createServer, type Socket } from "node:net";
import { dirname, isAbsolute, join } from "node:path";
import { findGroupById, findUser, findUserById } from "../directory/accounts.ts";
import { readFaults, writeFaults } from "../faults.ts";
import { PATHS } from "../paths.ts";
import { replaceFile } from "../replace-file.ts";
import { isDictionary, readPropertyList, writePropertyList } from "../property-list.ts";
import type { JobDefinition } from "./definition.ts";
import { Domains, type Domain } from "./domains.ts";
import { errorText } from "./errors.ts";
import { Manager, type Action } from "./manager.ts";
import { signalProcess, startProcess } from "./processes.ts";
import { Verbs, type Machine, type Reply, type Request } from "./verbs.ts";

/** Where launchd finds jobs when the machine starts; man launchd(8). */
const FOLDERS = ["/System/Library/LaunchDaemons", "/Library/LaunchDaemons"];
/** And when somebody logs in, with that user's own after them. */
const SESSION_FOLDERS = ["/System/Library/LaunchAgents", "/Library/LaunchAgents"];
/** Of the process 1 that systemd-nspawn puts in front: restart the container, after SIGTERM to everybody. */
const REBOOT_SIGNAL = "SIGINT";
/** A timer of Node holds no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Stand-in for launchd: drives a `Manager` for each domain with real processes, the clock, and requests over a socket. */
export class Daemon {
  readonly #domains: Domains;
  readonly #verbs: Verbs;
  readonly #waiting = new Map<number, { readonly socket: Socket; readonly printsPid: boolean }>();
  #timer: NodeJS.Timeout | undefined;
  #ending: "halt" | "reboot" | undefined;

  constructor() {
    this.#domains = new Domains(new Manager(readOverrides(PATHS.overrides)));
    const machine: Machine = {
      now: () => Date.now(),
      readPlist: readPlistFile,
      groupNameOf,
      saveOverrides,
      faults: readFaults,
      countSpuriousError,
    };
    this.#verbs = new Verbs(this.#domains, machine);
  }

  /** Loads what is in the folders of LaunchDaemons, unless it is disabled, and listens. */
  start(): void {
    // of Debian's sshd; /run is new at every start
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    this.#load(this.#domains.system, FOLDERS);
    this.#advance();
    mkdirSync(dirname(PATHS.socket), { recursive: true });
    rmSync(PATHS.socket, { force: true });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#serve(socket);
    });
    server.listen(PATHS.socket, () => {
      chmodSync(PATHS.socket, 0o666);
    });
    process.on("SIGTERM", () => {
      this.#goDown("halt");
    });
  }

  #load(domain: Domain, folders: readonly string[]): void {
    for (const folder of folders) {
      for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
        if (!name.endsWith(".plist")) continue;
        const path = join(folder, name);
        const code = this.#verbs.loadFile(domain, path, "/");
        if (code !== 0) this.#log(domain.name, "Warning", `load ${path}: ${code}: ${errorText(code)}`);
      }
    }
  }

  /** Somebody logs in at the screen: launchd makes the session's domain and loads the agents. */
  #login(name: string): Reply {
    const user = findUser(name);
    const domain = user && this.#domains.login(user.uid, readOverrides(overridesOf(user.uid)));
    if (user === undefined || domain === undefined)
      return { code: 1, stdout: "", stderr: `${name} is no user, or is logged in already\n` };
    this.#load(domain, [...SESSION_FOLDERS, join(user.home, "Library/LaunchAgents")]);
    return { code: 0, stdout: "", stderr: "" };
  }

  #serve(socket: Socket): void {
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", () => undefined);
    socket.on("end", () => {
      const request = JSON.parse(text) as Request;
      const reply = this.#answer(request);
      if (reply.ticket === undefined) socket.end(JSON.stringify(reply));
      else this.#waiting.set(reply.ticket, { socket, printsPid: reply.printsPid ?? false });
      this.#advance();
    });
  }

  #answer(request: Request): Reply {
    const [verb, word] = request.argv;
    // how the stand-in's own shutdown(8) asks for it
    if (verb === "reboot" && request.uid === 0) {
      this.#goDown(word === "halt" ? "halt" : "reboot");
      return { code: 0, stdout: "", stderr: "" };
    }
    // how the stand-in's own `screen-login` asks for it
    if (verb === "screen-login" && request.uid === 0) return this.#login(word ?? "");
    return this.#verbs.run(request);
  }

  #goDown(how: "halt" | "reboot"): void {
    this.#ending = how;
    for (const { manager } of this.#domains.all()) manager.shutDown(Date.now());
    this.#advance();
  }

  /** Does what the manager asks for, until it asks for nothing, and sets the clock for the next time. */
  #advance(): void {
    const domains = this.#domains.all();
    for (const domain of domains) {
      const { manager } = domain;
      manager.tick(Date.now());
      for (let actions = manager.take(); actions.length > 0; actions = manager.take()) {
        for (const action of actions) this.#perform(domain, action);
      }
    }
    clearTimeout(this.#timer);
    const next = Math.min(...domains.map(({ manager }) => manager.nextWake() ?? Number.POSITIVE_INFINITY));
    if (Number.isFinite(next)) {
      const delay = Math.min(Math.max(0, next - Date.now()), LONGEST_TIMER_MS);
      this.#timer = setTimeout(() => {
        this.#advance();
      }, delay);
    }
    if (this.#ending === undefined || domains.some(({ manager }) => manager.jobs.size > 0)) return;
    if (this.#ending === "halt") process.exit(0);
    signalProcess(1, REBOOT_SIGNAL);
  }

  #perform(domain: Domain, action: Action): void {
    switch (action.kind) {
      case "spawn":
        this.#spawn(domain, action.label);
        break;
      case "signal":
        signalProcess(action.pid, action.signal);
        break;
      case "kill group":
        signalProcess(-action.pid, "SIGKILL");
        break;
      case "log":
        this.#log(action.subject, action.level, action.text);
        break;
      case "answer": {
        const waiter = this.#waiting.get(action.ticket);
        this.#waiting.delete(action.ticket);
        const stdout = waiter?.printsPid === true ? `${action.pid}\n` : "";
        waiter?.socket.end(JSON.stringify({ code: 0, stdout, stderr: "" }));
        break;
      }
    }
  }

  #spawn({ manager, session }: Domain, label: string): void {
    const job = manager.jobs.get(label);
    if (job === undefined) return;
    const owner = session && findUserById(session.uid);
    const pid = startProcess(job.definition, owner, (ending) => {
      manager.exited(label, ending, Date.now());
      this.#advance();
    });
    manager.spawned(label, pid, Date.now());
  }

  #log(subject: string, level: string, text: string): void {
    appendFileSync(PATHS.log, `${JSON.stringify({ time: Date.now(), subject, level, text })}\n`);
  }
}

function readPlistFile(path: string, cwd: string): ReturnType<Machine["readPlist"]> {
  const absolute = isAbsolute(path) ? path : join(cwd, path);
  try {
    const { uid, mode } = statSync(absolute);
    return { bytes: readFileSync(absolute), uid, mode: mode & 0o7777, path: absolute };
  } catch {
    return undefined;
  }
}

/** Man launchd.plist: GroupName defaults to the primary group of UserName. */
function groupNameOf(definition: JobDefinition): string | undefined {
  if (definition.groupName !== undefined || definition.userName === undefined) return definition.groupName;
  const gid = findUser(definition.userName)?.gid;
  return gid === undefined ? undefined : findGroupById(gid)?.name;
}

/** Man launchctl: each user has a file of its own. */
function overridesOf(uid: number | undefined): string {
  return uid === undefined ? PATHS.overrides : PATHS.overrides.replace(/\.plist$/, `.${uid}.plist`);
}

function readOverrides(path: string): Map<string, boolean> {
  if (!existsSync(path)) return new Map();
  const value = readPropertyList(readFileSync(path));
  if (!isDictionary(value)) return new Map();
  return new Map(Object.entries(value).filter((entry): entry is [string, boolean] => typeof entry[1] === "boolean"));
}

function saveOverrides({ manager, session }: Domain): void {
  const path = overridesOf(session?.uid);
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, writePropertyList(Object.fromEntries(manager.overrides), "xml1"), 0o644);
}

function countSpuriousError(): void {
  const faults = readFaults();
  const left = (faults.spuriousBootstrapErrors ?? 0) - 1;
  writeFaults({ ...faults, spuriousBootstrapErrors: left });
}
