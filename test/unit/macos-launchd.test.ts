import { build, buildBinary, type PlistValue } from "plist";
import { beforeEach, describe, expect, it } from "vitest";
import { nextCalendarTime } from "../../sandbox/macos/launchd/calendar.ts";
import { BadDefinition, parseDefinition, type JobDefinition } from "../../sandbox/macos/launchd/definition.ts";
import { Domains, type Domain } from "../../sandbox/macos/launchd/domains.ts";
import { Manager, type Action, type Faults } from "../../sandbox/macos/launchd/manager.ts";
import { listJobs, printJob } from "../../sandbox/macos/launchd/print.ts";
import { Verbs, type Machine } from "../../sandbox/macos/launchd/verbs.ts";

const LABEL = "ai.test.job";
const PATH = `/Library/LaunchDaemons/${LABEL}.plist`;
type Keys = Readonly<Record<string, PlistValue>>;

function plist(keys: Keys = {}): Buffer {
  return Buffer.from(build({ Label: LABEL, ProgramArguments: ["/bin/sleep", "60"], ...keys }));
}

/** A launchd with a clock that only the test moves, and processes that are numbers. */
class Bench {
  now = 1_000_000;
  faults: Faults = {};
  saved = 0;
  readonly files = new Map<string, { bytes: Buffer; uid: number; mode: number }>();
  readonly manager: Manager;
  readonly domains: Domains;
  readonly log: string[] = [];
  readonly killed: (readonly [pid: number, signal: string])[] = [];
  readonly answers = new Map<number, number>();
  readonly #verbs: Verbs;
  #pid = 100;

  constructor(overrides?: ReadonlyMap<string, boolean>) {
    this.manager = new Manager(overrides);
    this.domains = new Domains(this.manager);
    const machine: Machine = {
      now: () => this.now,
      readPlist: (path) => {
        const file = this.files.get(path);
        return file === undefined ? undefined : { ...file, path };
      },
      groupNameOf: () => undefined,
      saveOverrides: () => (this.saved += 1),
      faults: () => this.faults,
      countSpuriousError: () => {
        this.faults = { ...this.faults, spuriousBootstrapErrors: (this.faults.spuriousBootstrapErrors ?? 0) - 1 };
      },
    };
    this.#verbs = new Verbs(this.domains, machine);
    this.write({});
  }

  write(keys: Keys, file: { uid?: number; mode?: number } = {}): void {
    this.files.set(PATH, { bytes: plist(keys), uid: file.uid ?? 0, mode: file.mode ?? 0o644 });
  }

  run(...argv: string[]): { code: number; stdout: string; stderr: string; ticket?: number } {
    const reply = this.#verbs.run({ argv, uid: 0, cwd: "/", caller: "launchctl[1]" });
    this.#settle();
    return reply;
  }

  as(uid: number, ...argv: string[]): { code: number; stdout: string; stderr: string } {
    const reply = this.#verbs.run({ argv, uid, cwd: "/", caller: "launchctl[1]" });
    this.#settle();
    return reply;
  }

  login(uid: number): Domain {
    const domain = this.domains.login(uid, new Map());
    if (domain === undefined) throw new Error("logged in already");
    return domain;
  }

  bootstrap(): { code: number; stderr: string } {
    return this.run("bootstrap", "system", PATH);
  }

  bootout(): { code: number; stderr: string } {
    return this.run("bootout", `system/${LABEL}`);
  }

  pass(seconds: number): void {
    this.now += seconds * 1000;
    this.manager.tick(this.now);
    this.#settle();
  }

  end(ending: { code: number } | { signal: NodeJS.Signals } = { code: 0 }): void {
    this.manager.exited(LABEL, ending, this.now);
    this.#settle();
  }

  get state(): string | undefined {
    return this.manager.jobs.get(LABEL)?.state;
  }

  get runs(): number | undefined {
    return this.manager.jobs.get(LABEL)?.runs;
  }

  #settle(): void {
    for (const { manager } of this.domains.all())
      for (let actions = manager.take(); actions.length > 0; actions = manager.take())
        for (const action of actions) this.#perform(manager, action);
  }

  #perform(manager: Manager, action: Action): void {
    if (action.kind === "spawn") manager.spawned(action.label, (this.#pid += 1), this.now);
    else if (action.kind === "signal") this.killed.push([action.pid, action.signal]);
    else if (action.kind === "kill group") this.killed.push([-action.pid, "SIGKILL"]);
    else if (action.kind === "answer") this.answers.set(action.ticket, action.pid);
    else this.log.push(`(${action.subject}) <${action.level}>: ${action.text}`);
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("stand-in launchd", () => {
  describe("bootstrap", () => {
    it("starts what asks for it and leaves the rest", () => {
      expect(bench.bootstrap()).toMatchObject({ code: 0, stderr: "" });
      expect(bench.state).toBe("not running");
      const other = new Bench();
      other.write({ RunAtLoad: true });
      other.bootstrap();
      expect(other.state).toBe("running");
    });

    it.each<[string, Keys]>([
      ["KeepAlive", { KeepAlive: true }],
      ["KeepAlive with SuccessfulExit", { KeepAlive: { SuccessfulExit: false } }],
    ])("%s implies RunAtLoad", (_name, keys) => {
      bench.write(keys);
      bench.bootstrap();
      expect(bench.state).toBe("running");
    });

    it("answers 5 without a word for what is loaded, or as older releases do", () => {
      bench.bootstrap();
      expect(bench.bootstrap()).toMatchObject({ code: 5, stderr: "Bootstrap failed: 5: Input/output error\n" });
      bench.faults = { alreadyBootstrapped: 37 };
      expect(bench.bootstrap()).toMatchObject({ code: 37, stderr: `${PATH}: service already bootstrapped\nBootstrap failed: 37: Operation already in progress\n` }); // prettier-ignore
    });

    it.each([
      ["a file that its group can write", { mode: 0o664 }],
      ["a file of somebody else", { uid: 501 }],
    ])("refuses %s with 122", (_name, file) => {
      bench.write({}, file);
      expect(bench.bootstrap()).toMatchObject({ code: 122, stderr: `${PATH}: Path had bad ownership/permissions\nBootstrap failed: 122: Path had bad ownership/permissions\n` }); // prettier-ignore
    });

    it("loads 0600", () => {
      bench.write({}, { mode: 0o600 });
      expect(bench.bootstrap().code).toBe(0);
    });

    it("is root's, and the reason stays hidden from others", () => {
      expect(bench.as(501, "bootstrap", "system", PATH)).toMatchObject({ code: 5, stderr: "Bootstrap failed: 5: Input/output error\nTry re-running the command as root for richer errors.\n" }); // prettier-ignore
    });

    it("has no GUI session to offer", () => {
      expect(bench.run("bootstrap", "gui/501", PATH).code).toBe(125);
      expect(bench.run("print", "gui/501")).toMatchObject({ code: 112, stderr: "Bad request.\nCould not find domain for user gui: 501\n" }); // prettier-ignore
      expect(bench.run("bootstrap", "sytem", PATH)).toMatchObject({ code: 64, stderr: expect.stringContaining("Unrecognized target specifier.") as string }); // prettier-ignore
    });

    it("answers 5 although nothing is in the way, as often as a test asks for", () => {
      bench.faults = { spuriousBootstrapErrors: 2 };
      expect([1, 2, 3].map(() => bench.bootstrap().code)).toEqual([5, 5, 0]);
    });

    it("can leave a job unstarted; kickstart starts it and gives the pid", () => {
      bench.write({ RunAtLoad: true });
      bench.faults = { bootstrappedNotStarted: LABEL };
      expect(bench.bootstrap().code).toBe(0);
      expect(bench.state).toBe("not running");
      const { ticket } = bench.run("kickstart", "-p", `system/${LABEL}`);
      expect(bench.answers.get(ticket ?? 0)).toBe(bench.manager.jobs.get(LABEL)?.pid);
      expect(bench.state).toBe("running");
    });
  });

  describe("a session at the screen", () => {
    const target = `gui/501/${LABEL}`;
    const start = (uid = 0) => bench.as(uid, "bootstrap", "gui/501", PATH);
    beforeEach(() => {
      bench.write({ RunAtLoad: true, LimitLoadToSessionType: "Aqua" }, { uid: 501, mode: 0o600 });
    });

    it("has jobs of its own, apart from the machine's", () => {
      bench.login(501);
      expect(start().code).toBe(0);
      expect(bench.state).toBeUndefined();
      const { stdout } = bench.run("print", target);
      expect(stdout.split("\n")[0]).toBe(`${target} = {`);
      for (const line of ["type = LaunchAgent", "state = running", "domain = gui/501 [100020]", "asid = 100020", "inherited environment = {"]) expect(stdout).toContain(`\n\t${line}\n`); // prettier-ignore
      expect(bench.run("print", `system/${LABEL}`).code).toBe(113);
      expect(bench.run("print", "gui/501").stdout).toContain(LABEL);
      expect(bench.run("list").stdout).not.toContain(LABEL);
      expect(bench.log.at(-1)).toMatch(new RegExp(`^\\(${target} \\[\\d+\\]\\)`));
      expect(bench.run("bootout", target).code).toBe(0);
    });
    it("is root's and its user's to change, and takes files of both", () => {
      bench.login(501);
      expect(start(502)).toMatchObject({ code: 5, stderr: expect.stringContaining("Try re-running") as string });
      expect(start(501).code).toBe(0);
      expect(bench.as(502, "bootout", target).code).toBe(1);
      expect(bench.as(501, "kickstart", target).code).toBe(0);
      bench.write({}, { uid: 502 });
      expect(bench.run("bootstrap", "gui/501", PATH).code).toBe(122);
    });
    it("knows no label of another domain's, and says which it looked in", () => {
      bench.login(501);
      bench.write({});
      bench.bootstrap();
      expect(bench.run("print", target)).toMatchObject({ code: 113, stderr: `Bad request.\nCould not find service "${LABEL}" in domain for user gui: 501\n` }); // prettier-ignore
      expect(bench.run("bootout", target).code).toBe(3);
    });
    it("keeps its own disabled labels", () => {
      bench.login(501);
      bench.run("disable", target);
      expect(start()).toMatchObject({ code: 119 });
      expect(bench.run("print-disabled", "gui/501").stdout).toContain(`"${LABEL}" => disabled`);
      expect(bench.run("print-disabled", "system").stdout).not.toContain(LABEL);
    });
    it("is nobody else's, and not there twice", () => {
      bench.login(501);
      expect(bench.domains.login(501, new Map())).toBeUndefined();
      for (const argv of [["print", `gui/502/${LABEL}`], ["print-disabled", "gui/502"]]) expect(bench.run(...argv).code).toBe(112);
      expect(bench.run("bootstrap", "gui/502", PATH).code).toBe(125);
    }); // prettier-ignore
  });

  describe("bootout", () => {
    beforeEach(() => {
      bench.write({ KeepAlive: true });
      bench.bootstrap();
    });

    it("returns before the process is gone; until then there is no way back in", () => {
      expect(bench.bootout().code).toBe(0);
      expect(bench.killed).toEqual([[101, "SIGTERM"]]);
      expect(bench.bootstrap().code).toBe(5);
      expect(bench.run("kickstart", "-k", `system/${LABEL}`)).toMatchObject({ code: 37 });
      expect(bench.bootout()).toMatchObject({ code: 36, stderr: "Boot-out failed: 36: Operation now in progress\n" });
      expect(bench.run("print", `system/${LABEL}`).stdout).toContain("\tstate = SIGTERMed\n");
      bench.end({ signal: "SIGTERM" });
      expect(bench.run("print", `system/${LABEL}`)).toMatchObject({ code: 113, stderr: `Bad request.\nCould not find service "${LABEL}" in domain for system\n` }); // prettier-ignore
      expect(bench.run("kickstart", `system/${LABEL}`).code).toBe(113);
      expect(bench.bootstrap().code).toBe(0);
    });

    it("kills after the exit timeout, which is 5 s unless the job has its own", () => {
      bench.bootout();
      bench.pass(4.9);
      expect(bench.killed).toHaveLength(1);
      bench.pass(0.1);
      expect(bench.killed.at(-1)).toEqual([101, "SIGKILL"]);
      expect(bench.log.at(-1)).toContain("Service did not exit 5 seconds after SIGTERM. Sending SIGKILL.");
      expect(bench.state).toBe("SIGKILLed");
    });

    it.each([
      [30, 1],
      [0, 0],
    ])("keeps to ExitTimeOut %i", (exitTimeOut, kills) => {
      const other = new Bench();
      other.write({ RunAtLoad: true, ExitTimeOut: exitTimeOut });
      other.bootstrap();
      other.bootout();
      other.pass(29);
      expect(other.killed).toHaveLength(1);
      other.pass(1_000_000);
      expect(other.killed).toHaveLength(1 + kills);
    });

    it("says 3 for what is not loaded, and 5 by its file", () => {
      bench.bootout();
      bench.end();
      expect(bench.bootout()).toMatchObject({ code: 3, stderr: "Boot-out failed: 3: No such process\n" });
      expect(bench.run("bootout", "system", PATH).code).toBe(5);
      expect(bench.run("bootout", "--wait", `system/${LABEL}`).code).toBe(64);
    });

    it("is root's", () => {
      expect(bench.as(501, "bootout", `system/${LABEL}`)).toMatchObject({ code: 1, stderr: "Boot-out failed: 1: Operation not permitted\n" }); // prettier-ignore
    });
  });

  describe("a process that ends", () => {
    it("is started again by KeepAlive, ten seconds after its last start", () => {
      bench.write({ KeepAlive: true });
      bench.bootstrap();
      bench.pass(4);
      bench.end({ code: 1 });
      expect(bench.state).toBe("spawn scheduled");
      expect(bench.log.at(-1)).toContain("Service only ran for 4 seconds. Pushing respawn out by 6 seconds.");
      bench.pass(5.9);
      expect(bench.runs).toBe(1);
      bench.pass(0.1);
      expect(bench.runs).toBe(2);
      bench.pass(60);
      bench.end({ code: 1 });
      expect(bench.runs).toBe(3);
    });

    it("takes what is left of its process group along, unless it is told not to", () => {
      bench.write({ RunAtLoad: true });
      bench.bootstrap();
      bench.end();
      expect(bench.killed).toEqual([[-101, "SIGKILL"]]);
      const other = new Bench();
      other.write({ RunAtLoad: true, AbandonProcessGroup: true });
      other.bootstrap();
      other.end();
      expect(other.killed).toEqual([]);
    });

    it.each<[string, Keys, object, boolean]>([
      ["SuccessfulExit false, status 0", { SuccessfulExit: false }, { code: 0 }, false],
      ["SuccessfulExit false, status 1", { SuccessfulExit: false }, { code: 1 }, true],
      ["SuccessfulExit false, signal", { SuccessfulExit: false }, { signal: "SIGKILL" }, true],
      ["SuccessfulExit true, status 0", { SuccessfulExit: true }, { code: 0 }, true],
      ["Crashed true, status 1", { Crashed: true }, { code: 1 }, false],
      ["Crashed true, signal", { Crashed: true }, { signal: "SIGSEGV" }, true],
    ])("follows KeepAlive's conditions: %s", (_name, condition, ending, again) => {
      bench.write({ RunAtLoad: true, KeepAlive: condition });
      bench.bootstrap();
      bench.end(ending as { code: number });
      expect(bench.state === "spawn scheduled").toBe(again);
    });

    it("is pushed out further when it keeps on failing, up to twenty minutes", () => {
      bench.write({ KeepAlive: true });
      bench.bootstrap();
      const waits = Array.from({ length: 14 }, () => {
        bench.end({ code: 78 });
        const wait = (bench.manager.nextWake() ?? 0) - bench.now;
        bench.pass(wait / 1000);
        return wait / 1000;
      });
      expect(waits.slice(0, 6)).toEqual([10, 10, 10, 10, 10, 20]);
      expect(waits.at(-1)).toBe(1200);
    });
  });

  describe("kickstart", () => {
    it("-k replaces the process at once and does not read the file again", () => {
      bench.write({ KeepAlive: true });
      bench.bootstrap();
      bench.write({ KeepAlive: true, ProgramArguments: ["/bin/new"] });
      const { ticket } = bench.run("kickstart", "-k", `system/${LABEL}`);
      expect(bench.killed).toEqual([[101, "SIGTERM"]]);
      expect(bench.answers.size).toBe(0);
      bench.end({ signal: "SIGTERM" });
      expect(bench.answers.get(ticket ?? 0)).toBe(102);
      expect(bench.run("print", `system/${LABEL}`).stdout).toContain("\tprogram = /bin/sleep\n");
    });

    it("is held inside the throttle window; with -k it does not even answer", () => {
      bench.write({ KeepAlive: true });
      bench.bootstrap();
      bench.end({ code: 78 });
      expect(bench.run("kickstart", `system/${LABEL}`)).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(bench.runs).toBe(1);
      const { ticket } = bench.run("kickstart", "-k", `system/${LABEL}`);
      bench.pass(9);
      expect(bench.answers.size).toBe(0);
      bench.pass(1);
      expect([...bench.answers.keys()]).toEqual([ticket]);
    });
  });

  describe("overrides", () => {
    it("keep a job out, also a new one, until it is enabled", () => {
      bench.run("disable", `system/${LABEL}`);
      expect(bench.saved).toBe(1);
      expect(bench.bootstrap()).toMatchObject({ code: 119, stderr: `${PATH}: Service is disabled\nBootstrap failed: 119: Service is disabled\n` }); // prettier-ignore
      const afterReboot = new Bench(bench.manager.overrides);
      expect(afterReboot.bootstrap().code).toBe(119);
      afterReboot.run("enable", `system/${LABEL}`);
      expect(afterReboot.bootstrap().code).toBe(0);
      expect(afterReboot.run("print-disabled", "system").stdout).toBe(`\tdisabled services = {\n\t\t"${LABEL}" => enabled\n\t}\n`); // prettier-ignore
    });

    it("are root's", () => {
      expect(bench.as(501, "enable", `system/${LABEL}`).code).toBe(1);
      expect(bench.saved).toBe(0);
    });
  });

  describe("timers", () => {
    it("start a job by StartInterval, and miss a turn while it runs", () => {
      bench.write({ StartInterval: 60 });
      bench.bootstrap();
      bench.pass(59);
      expect(bench.runs).toBe(0);
      bench.pass(1);
      expect(bench.runs).toBe(1);
      bench.pass(60);
      expect(bench.runs).toBe(1);
      bench.end();
      expect(bench.manager.nextWake()).toBe(bench.now + 60_000);
    });

    it("find the next time of a calendar entry", () => {
      const at = (text: string): number => new Date(text).getTime();
      const any = { minute: undefined, hour: undefined, day: undefined, weekday: undefined, month: undefined };
      expect(nextCalendarTime({ ...any, hour: 3, minute: 30 }, at("2026-11-27T03:30:00"))).toBe(
        at("2026-11-28T03:30:00"),
      );
      expect(nextCalendarTime({ ...any, minute: 5 }, at("2026-11-27T03:04:59"))).toBe(at("2026-11-27T03:05:00"));
      expect(nextCalendarTime({ ...any, weekday: 7, hour: 0, minute: 0 }, at("2026-11-27T00:00:00"))).toBe(at("2026-11-29T00:00:00")); // prettier-ignore
      expect(() => nextCalendarTime({ ...any, day: 30, month: 2 }, 0)).toThrow(RangeError);
    });
  });

  it("takes everything down, and waits for it", () => {
    bench.write({ KeepAlive: true });
    bench.bootstrap();
    bench.manager.shutDown(bench.now);
    expect(bench.manager.jobs.size).toBe(1);
    bench.end({ signal: "SIGTERM" });
    expect(bench.manager.jobs.size).toBe(0);
  });
});

describe("what launchctl prints", () => {
  const print = (keys: Keys, change: (bench: Bench) => void): string => {
    bench.write(keys);
    bench.bootstrap();
    change(bench);
    return bench.run("print", `system/${LABEL}`).stdout;
  };

  it("has a pid while the job runs, and how it ended afterwards", () => {
    const running = print({ KeepAlive: true }, () => undefined);
    expect(running).toMatch(/^\tstate = running$/m);
    expect(running).toMatch(/^\tpid = 101$/m);
    expect(running).toMatch(/^\tlast exit code = \(never exited\)$/m);
    const ended = print({ KeepAlive: true }, () => {
      bench.end({ code: 78 });
    });
    expect(ended).not.toMatch(/^\tpid = /m);
    expect(ended).toMatch(/^\tlast exit code = 78: EX_CONFIG$/m);
    bench.pass(10);
    bench.end({ signal: "SIGTERM" });
    const killed = bench.run("print", `system/${LABEL}`).stdout;
    expect(killed).toMatch(/^\tlast terminating signal = Terminated: 15$/m);
    expect(killed).not.toContain("last exit code");
  });

  it("shows the interval of a job that has one", () => {
    expect(print({ StartInterval: 60 }, () => undefined)).toMatch(/^\trun interval = 60 seconds$/m);
  });

  it("repeats `state` in nested blocks, which is a trap for readers", () => {
    const text = print({ KeepAlive: true, UserName: "_x", WorkingDirectory: "/w", Umask: 63 }, () => undefined);
    expect(text.match(/^\t+state = \w+$/gm)).toEqual(["\tstate = running", "\t\tstate = active", "\t\tstate = active"]);
    expect(text).toContain("\tumask = 77\n");
    expect(text).not.toContain("run interval");
    expect(text).toContain("\tprobabilistic guard malloc policy = {\n\t\tactivation rate = 1/1000\n");
    expect(text).toContain("\tproperties = keepalive | runatload | inferred program\n}\n");
    bench.faults = { noGuardMalloc: true };
    expect(bench.run("print", `system/${LABEL}`).stdout).not.toContain("guard malloc");
  });

  it("shows variables to anybody", () => {
    bench.write({ EnvironmentVariables: { KEY: "value" } });
    bench.bootstrap();
    const job = bench.manager.jobs.get(LABEL);
    if (job === undefined) throw new Error("not loaded");
    expect(printJob(job, { groupName: undefined, guardMalloc: true })).toContain("\t\tKEY => value\n");
    bench.run("kickstart", `system/${LABEL}`);
    bench.end({ signal: "SIGKILL" });
    expect(listJobs(bench.manager)).toBe(`PID\tStatus\tLabel\n-\t-9\t${LABEL}\n`);
  });
});

describe("a property list of a job", () => {
  const parsed = (keys: Keys): JobDefinition => parseDefinition(plist(keys));

  it("is read in both forms", () => {
    const binary = parseDefinition(buildBinary({ Label: LABEL, Program: "/bin/x", Umask: 63 }));
    expect(binary).toMatchObject({ label: LABEL, program: "/bin/x", inferredProgram: false, umask: 0o77 });
    expect(parsed({})).toMatchObject({ inferredProgram: true, throttleInterval: 10, exitTimeOut: 5, initGroups: true });
  });

  it("takes a number for Umask as decimal and a text as octal", () => {
    expect(parsed({ Umask: 77 }).umask).toBe(77);
    expect(parsed({ Umask: "077" }).umask).toBe(0o77);
  });

  it.each([
    ["no property list", Buffer.from("Label"), 109],
    ["a list that is no dictionary", Buffer.from(build(["x"])), 109],
    ["no label", Buffer.from(build({ ProgramArguments: ["/x"] })), 109],
    ["no program", Buffer.from(build({ Label: "x" })), 111],
    ["a broken binary one", Buffer.from("bplist00 and then nothing"), 109],
  ])("is refused with %s", (_name, bytes, code) => {
    let error: unknown;
    try {
      parseDefinition(bytes);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(BadDefinition);
    expect((error as BadDefinition).code).toBe(code);
  });
});
