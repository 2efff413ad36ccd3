import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { parse } from "plist";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PhaseFailure } from "../../node/lib/failure.ts";
import { nodePaths, type NodePaths } from "../../node/lib/paths.ts";
import { registerGateway } from "../../node/lib/registry.ts";
import { RootLink, rootLink, serveRequests, type RequestHandler } from "../../node/lib/root-link.ts";
import { collectorDifferences, renderCollector } from "../../node/platform/darwin/collector.ts";
import { darwinSteward } from "../../node/platform/darwin/steward.ts";
import { EXIT } from "../../node/protocol.ts";
import { ended, FakeLaunchd } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));
vi.mock("node:timers/promises", () => ({ setTimeout: () => Promise.resolve() }));

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("skipped: root's part in launchd's jobs needs root, to give files to root\n");

const LABEL = "org.gatehouse.gateway.team-a";
const GENERATION = `g-${"1".repeat(16)}`;
const OTHER = `g-${"2".repeat(16)}`;
const USER = { name: "oc-a", uid: 499, gid: 499, home: "/Users/oc-a", shell: "/usr/bin/false" };

describe("the link from a user's step to root", () => {
  const pair = (handle: RequestHandler): RootLink => {
    const [mine, roots] = duplexPair();
    serveRequests(roots, handle);
    return new RootLink(mine);
  };

  it("answers each request in turn", async () => {
    const seen: unknown[] = [];
    const link = pair((request) => {
      seen.push(request);
      return Promise.resolve(seen.length);
    });
    expect(await Promise.all([link.ask({ verb: "a" }), link.ask({ verb: "b" })])).toEqual([1, 2]);
    expect(seen).toEqual([{ verb: "a" }, { verb: "b" }]);
  });
  it("passes a failure on with layer, code and fix", async () => {
    const failure = new PhaseFailure({ layer: "host", code: "launchd", message: "no", fix: "do", exit: EXIT.os });
    await expect(pair(() => Promise.reject(failure)).ask({})).rejects.toMatchObject({ code: "launchd", fix: "do" });
  });
  it("that is cut fails what waits and what comes after", async () => {
    const [mine, roots] = duplexPair();
    const link = new RootLink(mine);
    const waiting = link.ask({});
    roots.end();
    await expect(waiting).rejects.toMatchObject({ code: "root-link" });
    await expect(link.ask({})).rejects.toMatchObject({ code: "root-link" });
  });
  it("is not there for a step that was started by hand", () => {
    expect(rootLink).toThrow(expect.objectContaining({ code: "root-link" }));
  });
  it("takes no request without an end", async () => {
    const [mine, roots] = duplexPair();
    serveRequests(roots, () => Promise.resolve(null));
    mine.write("x".repeat(10_000));
    await vi.waitFor(() => {
      expect(roots.destroyed).toBe(true);
    });
  });
});

describe.skipIf(!isRoot)("root's part", () => {
  let root: string;
  let paths: NodePaths;
  let launchd: FakeLaunchd;
  let handle: RequestHandler;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "gatehouse-steward-"));
    paths = nodePaths(root);
    for (const path of ["var/lib/gatehouse", "var/log", "etc", "Library/LaunchDaemons"])
      mkdirSync(join(root, path), { recursive: true });
    launchd = new FakeLaunchd();
    hands.exec.mockImplementation(launchd.run);
    await registerGateway(paths, { gateway: "team-a", user: USER.name, home: USER.home });
    await registerGateway(paths, { gateway: "team-b", user: "oc-b", home: "/Users/oc-b" });
    await darwinSteward.keepUnit(paths, "team-a", GENERATION, "<plist>one</plist>\n");
    const context = { paths, programFile: "/opt/gatehouse/program/x/gatehouse-node.mjs" };
    handle = (await darwinSteward.handlerFor(context, USER)) ?? (() => Promise.reject(new Error("no handler")));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });
  const daemon = (label = LABEL): string => join(paths.daemons, `${label}.plist`);
  const timer = (): string => join(paths.timers, "org.gatehouse.dead-man.team-a.plist");
  const jobOf = (path: string) => parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;

  it("is for users of gateways alone", async () => {
    const context = { paths, programFile: "/x" };
    expect(await darwinSteward.handlerFor(context, { ...USER, name: "somebody" })).toBeUndefined();
  });

  it("places its own copy of a generation, where launchd takes it", async () => {
    await handle({ verb: "place", generation: GENERATION });
    expect(readFileSync(daemon(), "utf8")).toBe("<plist>one</plist>\n");
    const stat = lstatSync(daemon());
    expect([stat.uid, stat.gid, stat.mode & 0o777]).toEqual([0, 0, 0o644]);
    const log = lstatSync(join(paths.serviceLogs, "team-a.log"));
    expect([log.uid, log.mode & 0o777]).toEqual([USER.uid, 0o600]);
    expect(readFileSync(join(paths.logRotation, "gatehouse-team-a.conf"), "utf8")).toMatch(
      /team-a\.log\toc-a:499\t600\t5\t1024\t\*\tN\n$/,
    );
    expect(jobOf(daemon("org.gatehouse.settle.team-a"))).toMatchObject({
      RunAtLoad: true,
      ProgramArguments: ["/opt/gatehouse/program/x/gatehouse-node", "settle", "--user", USER.name],
    });
    expect(launchd.calls).toEqual([]);
  });
  it("writes through no link that somebody put in the log's place", async () => {
    mkdirSync(paths.serviceLogs, { recursive: true });
    writeFileSync(join(root, "etc/target"), "root's");
    symlinkSync(join(root, "etc/target"), join(paths.serviceLogs, "team-a.log"));
    await expect(handle({ verb: "place", generation: GENERATION })).rejects.toMatchObject({ code: "ELOOP" });
    expect(readFileSync(join(root, "etc/target"), "utf8")).toBe("root's");
  });
  it.each([
    ["a definition of the user's own", { verb: "place", generation: GENERATION, content: "<plist/>" }],
    ["a generation that is a path", { verb: "place", generation: "../../x" }],
    ["no generation", { verb: "place" }],
    ["a generation that root does not know", { verb: "place", generation: OTHER }],
    ["another gateway's", { verb: "restart", gateway: "team-b" }],
    ["another verb", { verb: "exec" }],
    ["no time", { verb: "schedule" }],
    ["a time without end", { verb: "schedule", seconds: 10_000_000 }],
    ["no interval", { verb: "repeat" }],
    ["an interval that launchd would throttle", { verb: "repeat", everySeconds: 9 }],
    ["an interval without end", { verb: "repeat", everySeconds: 3601 }],
    ["an interval that is no number", { verb: "repeat", everySeconds: "60</integer>" }],
    ["a program of the user's own", { verb: "repeat", everySeconds: 60, argv: ["/bin/sh"] }],
    ["nothing", null],
  ])("refuses %s, and changes nothing", async (_name, request) => {
    await expect(handle(request)).rejects.toBeInstanceOf(PhaseFailure);
    expect(existsSync(daemon())).toBe(false);
    expect(launchd.calls).toEqual([]);
  });

  it("restarts what is in its folder, and notes the time in the log", async () => {
    await handle({ verb: "place", generation: GENERATION });
    launchd.definitions.set(daemon(), { arguments: ["/bin/sh"], environment: { HOME: USER.home } });
    launchd.load(LABEL, daemon(), 0);
    await handle({ verb: "restart" });
    expect(launchd.jobs.get(LABEL)?.state).toBe("running");
    expect(readFileSync(join(paths.serviceLogs, "team-a.log"), "utf8")).toMatch(/^gatehouse: start 20\d\d-.*Z\n$/);
    await handle({ verb: "stop" });
    expect(launchd.jobs.has(LABEL)).toBe(false);
    await handle({ verb: "stop" });
  });

  it("notes the time when the old process is gone, on a line of its own", async () => {
    await handle({ verb: "place", generation: GENERATION });
    launchd.definitions.set(daemon(), { arguments: ["/bin/sh"], environment: {} });
    launchd.load(LABEL, daemon(), 0);
    const log = join(paths.serviceLogs, "team-a.log");
    let atBootout = "";
    hands.exec.mockImplementation(async (argv: readonly string[]) => {
      if (argv.includes("bootout")) {
        writeFileSync(log, "last words\nkilled in the middle of a li");
        atBootout = readFileSync(log, "utf8");
      }
      return await launchd.run(argv);
    });
    await handle({ verb: "restart" });
    expect(atBootout).not.toContain("gatehouse: start");
    expect(readFileSync(log, "utf8")).toMatch(/^last words\nkilled in the middle of a li\ngatehouse: start 20\S+Z\n$/);
  });

  it("sets a timer, replaces it and takes it away", async () => {
    await handle({ verb: "schedule", seconds: 180 });
    expect(jobOf(timer())).toMatchObject({ StartInterval: 180, ExitTimeOut: 345 });
    expect(Object.keys(jobOf(timer()))).not.toContain("RunAtLoad");
    await handle({ verb: "schedule", seconds: 480 });
    expect(jobOf(timer())).toMatchObject({ StartInterval: 480 });
    await handle({ verb: "cancel" });
    expect(existsSync(timer())).toBe(false);
    expect(launchd.jobs.size).toBe(0);
    await handle({ verb: "cancel" });
  });
  it("does not end itself when the timer fired: its job goes last", async () => {
    await handle({ verb: "schedule", seconds: 180 });
    const label = "org.gatehouse.dead-man.team-a";
    launchd.load(label, timer(), process.pid);
    const once = vi.spyOn(process, "once").mockReturnValue(process);
    await handle({ verb: "cancel" });
    expect(once).toHaveBeenCalledWith("exit", expect.any(Function));
    once.mockRestore();
    expect(launchd.calls.filter((call) => call.startsWith("bootout"))).toEqual([]);
    expect(existsSync(timer())).toBe(false);
  });

  describe("in the metrics", () => {
    const metrics = "org.gatehouse.metrics.team-a";
    const collector = (everySeconds: number) => ({ gateway: "team-a", user: USER, startsAt: "boot" as const, argv: ["/opt/gatehouse/program/x/gatehouse-node", "collect-metrics"], everySeconds }); // prettier-ignore
    const collectorDefinition = () => {
      const { arguments: words, environment } = launchd.jobs.get(metrics) ?? { arguments: [], environment: {} };
      return { arguments: words, environment };
    };
    const differences = (everySeconds = 60) => collectorDifferences(paths, collector(everySeconds));

    it("loads a job of its own making that runs as the user, also after a boot", async () => {
      await handle({ verb: "repeat", everySeconds: 60 });
      expect(jobOf(daemon(metrics))).toEqual({
        Label: metrics,
        UserName: USER.name,
        GroupName: USER.name,
        ProgramArguments: collector(60).argv,
        WorkingDirectory: "/",
        EnvironmentVariables: {
          HOME: USER.home,
          USER: USER.name,
          LOGNAME: USER.name,
          SHELL: "/bin/sh",
          PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
          TMPDIR: `${USER.home}/.openclaw/tmp`,
        },
        RunAtLoad: true,
        StartInterval: 60,
        ExitTimeOut: 30,
        Umask: 0o077,
        ProcessType: "Background",
        SoftResourceLimits: { Core: 0 },
        HardResourceLimits: { Core: 0 },
        StandardInPath: "/dev/null",
        StandardOutPath: "/dev/null",
        StandardErrorPath: "/dev/null",
      });
      const stat = lstatSync(daemon(metrics));
      expect([stat.uid, stat.gid, stat.mode & 0o777]).toEqual([0, 0, 0o644]);
      expect(launchd.jobs.get(metrics)).toMatchObject({ path: daemon(metrics), interval: 60 });
      expect(await differences()).toEqual([]);
    });
    it("replaces it for another interval, and takes it away", async () => {
      await handle({ verb: "repeat", everySeconds: 60 });
      await handle({ verb: "repeat", everySeconds: 300 });
      expect(launchd.jobs.get(metrics)).toMatchObject({ interval: 300 });
      expect(await differences(300)).toEqual([]);
      for (const verb of ["stopRepeating", "stopRepeating"]) await handle({ verb });
      expect([launchd.jobs.has(metrics), existsSync(daemon(metrics))]).toEqual([false, false]);
    });
    it("enables it again, and need not see it run", async () => {
      launchd.disabled.add(metrics);
      launchd.lazy = true;
      await handle({ verb: "repeat", everySeconds: 60 });
      expect(launchd.jobs.get(metrics)?.pid).toBe(0);
      expect(await differences()).toEqual([]);
    });
    it("does not believe a launchd that has another definition", async () => {
      launchd.stale = true;
      await expect(handle({ verb: "repeat", everySeconds: 60 })).rejects.toMatchObject({ code: "launchd" });
      expect(await differences()).toEqual([expect.stringContaining("with another definition: its arguments")]);
    });
    const harms: readonly (readonly [name: string, harm: () => void, words: RegExp])[] = [
      [
        "a missing file",
        () => {
          rmSync(daemon(metrics));
        },
        /plist is missing$/,
      ],
      [
        "an edited file",
        () => {
          writeFileSync(daemon(metrics), renderCollector(collector(3600)));
        },
        /does not say what it should$/,
      ],
      [
        "a file that others can write",
        () => {
          chmodSync(daemon(metrics), 0o666);
        },
        /no file that root alone can write/,
      ],
      ["a job that was taken out", () => launchd.jobs.delete(metrics), /^launchd has not loaded org\.gatehouse\.metrics\.team-a$/], // prettier-ignore
      ["a job that is disabled", () => launchd.disabled.add(metrics), /is disabled/],
      [
        "a job with another interval",
        () => {
          launchd.definitions.set("/other", { ...collectorDefinition(), interval: 3600 });
          launchd.load(metrics, "/other", 0);
        },
        /another definition: its interval$/,
      ],
    ];
    it.each(harms)("sees %s, and puts it right", async (_name, harm, words) => {
      await handle({ verb: "repeat", everySeconds: 60 });
      harm();
      expect(await differences()).toContainEqual(expect.stringMatching(words));
      await handle({ verb: "repeat", everySeconds: 60 });
      expect(await differences()).toEqual([]);
    });
    it("takes a link in the file's place for no file", async () => {
      await handle({ verb: "repeat", everySeconds: 60 });
      writeFileSync(join(root, "etc/other.plist"), readFileSync(daemon(metrics)));
      rmSync(daemon(metrics));
      symlinkSync(join(root, "etc/other.plist"), daemon(metrics));
      expect(await differences()).toHaveLength(1);
    });
    it("goes on looking when the file can't be read", async () => {
      await handle({ verb: "repeat", everySeconds: 60 });
      launchd.disabled.add(metrics);
      rmSync(daemon(metrics));
      mkdirSync(daemon(metrics));
      expect(await differences()).toEqual([
        `${daemon(metrics)} can't be read (EISDIR), and everybody may`,
        expect.stringContaining("is disabled"),
      ]);
    });
    it("is told that launchd gives no answer, not that all is well", async () => {
      hands.exec.mockResolvedValue({ status: 1, stdout: "", stderr: "", signal: null, timedOut: false, truncated: false, seconds: 0 }); // prettier-ignore
      await expect(differences()).rejects.toMatchObject({ code: "launchd" });
    });
    it("takes no launchd for wrong that shows no interval", async () => {
      await handle({ verb: "repeat", everySeconds: 60 });
      const job = launchd.jobs.get(metrics);
      if (job !== undefined) launchd.jobs.set(metrics, { ...job, interval: undefined });
      expect(await differences()).toEqual([]);
    });
  });

  it("leaves nothing of a gateway that goes, and all of another one's", async () => {
    await handle({ verb: "place", generation: GENERATION });
    await handle({ verb: "repeat", everySeconds: 60 });
    for (const name of ["team-a.log.0.gz", "team-ab.log"]) writeFileSync(join(paths.serviceLogs, name), "");
    await handle({ verb: "remove" });
    await darwinSteward.forgetUnits(paths, "team-a", []);
    for (const path of [
      daemon(),
      daemon("org.gatehouse.settle.team-a"),
      daemon("org.gatehouse.metrics.team-a"),
      join(paths.logRotation, "gatehouse-team-a.conf"),
      join(paths.units, "team-a"),
    ])
      // prettier-ignore
      expect(existsSync(path), path).toBe(false);
    expect(launchd.jobs.size).toBe(0);
    expect(existsSync(join(paths.serviceLogs, "team-a.log.0.gz"))).toBe(false);
    expect(existsSync(join(paths.serviceLogs, "team-ab.log"))).toBe(true);
    await handle({ verb: "remove" });
  });
  it("keeps the units of the generations that are kept", async () => {
    await darwinSteward.keepUnit(paths, "team-a", OTHER, "<plist>two</plist>\n");
    await darwinSteward.forgetUnits(paths, "team-a", [OTHER]);
    await expect(handle({ verb: "place", generation: GENERATION })).rejects.toMatchObject({ code: "unit-missing" });
    await handle({ verb: "place", generation: OTHER });
    expect(readFileSync(daemon(), "utf8")).toBe("<plist>two</plist>\n");
  });

  describe("for a gateway that starts at a login", () => {
    const JO = { name: "jo", uid: 502, gid: 20, home: "/Users/jo", shell: "/bin/zsh" };
    const label = "org.gatehouse.login-gateway.team-c";
    const job = `gui/502/${label}`;
    let definition: string;
    let ask: RequestHandler;
    beforeEach(async () => {
      const home = join(root, "Users/jo");
      definition = join(home, "Library/LaunchAgents", `${label}.plist`);
      await registerGateway(paths, { gateway: "team-c", user: JO.name, home, startsAt: "login" });
      await darwinSteward.keepUnit(paths, "team-c", GENERATION, "<plist>root's</plist>\n");
      launchd.definitions.set(definition, { arguments: ["/bin/sh"], environment: { HOME: home } });
      launchd.sessions.add(JO.uid);
      const context = { paths, programFile: "/opt/gatehouse/program/x/gatehouse-node.mjs" };
      ask = (await darwinSteward.handlerFor(context, { ...JO, home })) ?? (() => Promise.reject(new Error("no handler"))); // prettier-ignore
    });

    it("writes nothing into the user's home, and no definition of it elsewhere", async () => {
      await ask({ verb: "place", generation: GENERATION });
      expect(existsSync(join(root, "Users"))).toBe(false);
      expect(readdirSync(paths.daemons)).toEqual(["org.gatehouse.settle.team-c.plist"]);
      expect(readFileSync(join(paths.logRotation, "gatehouse-team-c.conf"), "utf8")).toContain("\tjo:20\t600\t");
    });
    it("starts and stops it in the user's session, and reads its definition as the user", async () => {
      await ask({ verb: "place", generation: GENERATION });
      await ask({ verb: "enable" });
      await ask({ verb: "restart" });
      expect(launchd.jobs.get(label)).toMatchObject({ state: "running", path: definition });
      expect(launchd.calls).toContain(`bootstrap gui/502 ${definition}`);
      expect(launchd.calls.filter((call) => call.includes("system"))).toEqual([]);
      const reading = hands.exec.mock.calls.find(([argv]) => (argv as string[])[0] === "/usr/bin/plutil");
      expect(reading?.[1]).toMatchObject({ uid: 502, gid: 20 });
      await ask({ verb: "stop" });
      expect(launchd.calls).toContain(`bootout ${job}`);
      expect(launchd.jobs.has(label)).toBe(false);
    });
    it.each([112, 125] as const)("changes nothing without a session (%i): it says that, and stops nothing", async (status) => {
      launchd.sessions.clear();
      launchd.noSession = status;
      const own = { ...JO, home: join(root, "Users/jo") };
      expect(await darwinSteward.canStart(paths, own)).toBe(false);
      await expect(ask({ verb: "restart" })).rejects.toMatchObject({
        layer: "host",
        code: "no-session",
        message: expect.stringContaining("as jo") as string,
        fix: expect.stringMatching(/log in at the screen.*automatic login.*startsAt: boot/) as string,
      });
      await ask({ verb: "stop" });
      expect(launchd.calls.filter((call) => !call.startsWith("print"))).toEqual([]);
    }); // prettier-ignore
    it("does not take a launchd that gives no answer for no session", async () => {
      hands.exec.mockResolvedValue(ended(1, "", "Operation not permitted"));
      await expect(darwinSteward.canStart(paths, JO)).rejects.toMatchObject({ code: "launchd" });
    });
    it("is root's to say: another gateway's user has no session", async () => {
      expect(await darwinSteward.canStart(paths, { ...JO, uid: 999 })).toBe(false);
      expect(await darwinSteward.canStart(paths, USER)).toBe(true);
      await ask({ verb: "place", generation: GENERATION });
      await expect(ask({ verb: "restart", startsAt: "boot" })).rejects.toMatchObject({ code: "payload" });
    });
    it("keeps timers and metrics in the system domain, these with the user's primary group", async () => {
      await ask({ verb: "schedule", seconds: 180 });
      await ask({ verb: "repeat", everySeconds: 60 });
      expect(launchd.calls.filter((call) => call.startsWith("bootstrap"))).toEqual([
        `bootstrap system ${join(paths.timers, "org.gatehouse.dead-man.team-c.plist")}`,
        `bootstrap system ${daemon("org.gatehouse.metrics.team-c")}`,
      ]);
      expect(jobOf(daemon("org.gatehouse.metrics.team-c"))).toMatchObject({ UserName: "jo" });
      expect(jobOf(daemon("org.gatehouse.metrics.team-c"))).not.toHaveProperty("GroupName");
    });
    it("goes without a trace of root's, whether somebody is there or not", async () => {
      await ask({ verb: "place", generation: GENERATION });
      launchd.sessions.clear();
      await ask({ verb: "remove" });
      expect(readdirSync(paths.daemons)).toEqual([]);
      expect(existsSync(join(paths.serviceLogs, "team-c.log"))).toBe(false);
    });
  });
});
