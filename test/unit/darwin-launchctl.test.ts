import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  bootOut,
  bootstrap,
  ensureRunning,
  findJob,
  isDisabled,
  jobDifferences,
  parseJob,
  reloadJob,
} from "../../node/platform/darwin/launchctl.ts";
import { stateOf } from "../../node/platform/darwin/services.ts";
import { ended, FakeLaunchd } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));
// what is asked, in which order, is what counts here
vi.mock("node:timers/promises", () => ({ setTimeout: () => Promise.resolve() }));

const LABEL = "org.gatehouse.gateway.team-a";
const PATH = `/Library/LaunchDaemons/${LABEL}.plist`;
const WANTED = { arguments: ["/bin/sh", "/w", "/e"], environment: { HOME: "/Users/oc", NODE_OPTIONS: "" } };

let launchd: FakeLaunchd;
beforeEach(() => {
  launchd = new FakeLaunchd();
  launchd.definitions.set(PATH, WANTED);
  hands.exec.mockImplementation(launchd.run);
});

const verbs = (): string[] => launchd.calls.map((call) => call.split(" ")[0] ?? "").filter((verb) => verb !== "print");

describe("what launchctl print says", () => {
  it("is read from lines with one tab alone: nested blocks repeat the names", async () => {
    launchd.load(LABEL, PATH, 893);
    const job = await findJob(LABEL);
    expect(job).toMatchObject({ state: "running", pid: 893, runs: 1, path: PATH, arguments: WANTED.arguments });
    expect(job?.environment.get("HOME")).toBe("/Users/oc");
    expect(job?.environment.get("NODE_OPTIONS")).toBe("");
  });
  it.each([
    ["running", 7, "0", "active", "running"],
    ["spawn scheduled", 0, "1", "activating", "auto-restart"],
    ["not running", 0, "78: EX_CONFIG", "failed", "exit 78: EX_CONFIG"],
    ["not running", 0, "(never exited)", "inactive", "dead"],
    ["not running", 0, "0", "inactive", "dead"],
    ["SIGTERMed", 7, "0", "deactivating", "stop"],
    ["something new", 0, "1", "failed", "exit 1"],
  ])("state '%s' with pid %i and last exit %s is %s", (state, pid, lastExit, active, sub) => {
    const job = parseJob(`x = {\n\tstate = ${state}\n\tpid = ${pid}\n\truns = 3\n\tlast exit code = ${lastExit}\n}`);
    expect(stateOf(job)).toEqual({ active, sub, mainPid: pid, restarts: 2 });
  });
  it("of an unknown label is that there is none", async () => {
    expect(await findJob(LABEL)).toBeUndefined();
    expect(stateOf(undefined)).toMatchObject({ active: "inactive", mainPid: 0 });
  });
  it.each([
    ["no answer", ended(1, "", "Operation not permitted")],
    ["an end by a signal", { ...ended(0), status: null, signal: "SIGKILL" as const, timedOut: true }],
  ])("never means 'absent' after %s", async (_name, result) => {
    hands.exec.mockResolvedValue(result);
    await expect(findJob(LABEL)).rejects.toMatchObject({ code: "launchd" });
    await expect(isDisabled(LABEL)).rejects.toMatchObject({ code: "launchd" });
  });
});

describe("a stop", () => {
  it("ends when launchd has forgotten the job, not when bootout returns", async () => {
    launchd.load(LABEL, PATH, 0);
    launchd.lingers = 4;
    await bootOut(LABEL);
    expect(launchd.calls).toEqual([`print system/${LABEL}`, `bootout system/${LABEL}`, ...Array<string>(5).fill(`print system/${LABEL}`)]); // prettier-ignore
  });
  it("waits for the process, too", async () => {
    launchd.load(LABEL, PATH, process.pid);
    let looks = 0;
    const kill = vi.spyOn(process, "kill").mockImplementation(() => {
      looks += 1;
      if (looks > 3) throw Object.assign(new Error("gone"), { code: "ESRCH" });
      return true;
    });
    await bootOut(LABEL);
    kill.mockRestore();
    expect(looks).toBe(4);
  });
  it("of a job that is not there asks nothing", async () => {
    await bootOut(LABEL);
    expect(verbs()).toEqual([]);
  });
  it("that is not permitted fails at once, with launchd's words", async () => {
    launchd.load(LABEL, PATH, 0);
    hands.exec.mockImplementation(async (argv: readonly string[]) =>
      argv[1] === "bootout" ? ended(1, "", "Boot-out failed: 1: Operation not permitted\n") : launchd.run(argv),
    );
    await expect(bootOut(LABEL)).rejects.toThrow(/does not let go.*Operation not permitted/);
  });
});

describe("a start", () => {
  it("enables before it loads: an entry that disabled the label outlives the file", async () => {
    launchd.disabled.add(LABEL);
    expect(await isDisabled(LABEL)).toBe(true);
    await bootstrap(LABEL, PATH);
    expect(verbs()).toEqual(["print-disabled", "enable", "bootstrap"]);
  });
  it("is tried again on 5, which says nothing", async () => {
    launchd.busy = 3;
    await bootstrap(LABEL, PATH);
    expect(verbs().filter((verb) => verb === "bootstrap")).toHaveLength(4);
  });
  it("never takes 5 for success: the last answer is told", async () => {
    launchd.busy = 1000;
    await expect(bootstrap(LABEL, PATH)).rejects.toThrow(/refuses .*5: Input\/output error/);
    expect(verbs().filter((verb) => verb === "bootstrap")).toHaveLength(20);
  });
  it("is not tried again on another refusal", async () => {
    hands.exec.mockImplementation(
      async (argv: readonly string[]) =>
      argv[1] === "bootstrap" ? ended(122, "", "Bootstrap failed: 122: Path had bad ownership/permissions\n") : launchd.run(argv), // prettier-ignore
    );
    await expect(bootstrap(LABEL, PATH)).rejects.toThrow(/bad ownership/);
  });
  it("asks a job that was only loaded to start, once and without -k", async () => {
    launchd.lazy = true;
    launchd.load(LABEL, PATH, 0);
    expect((await ensureRunning(LABEL)).pid).toBeGreaterThan(0);
    expect(launchd.calls.filter((call) => call.startsWith("kickstart"))).toEqual([`kickstart system/${LABEL}`]);
  });
});

describe("a restart", () => {
  it("takes the old job out, loads the file and proves what runs", async () => {
    launchd.load(LABEL, PATH, 0);
    const job = await reloadJob(LABEL, PATH, WANTED);
    expect(job.pid).toBeGreaterThan(0);
    expect(verbs()).toEqual(["bootout", "enable", "bootstrap"]);
  });
  it("does not believe a launchd that runs what it had before", async () => {
    launchd.stale = true;
    await expect(reloadJob(LABEL, PATH, WANTED)).rejects.toThrow(/another definition than .*: its arguments/);
  });
  it("sees a variable that is another one or missing", () => {
    const job = parseJob("x = {\n\tenvironment = {\n\t\tHOME => /Users/else\n\t}\n}");
    expect(jobDifferences(job, { arguments: [], environment: WANTED.environment })).toEqual(["its variable HOME"]);
  });
});
