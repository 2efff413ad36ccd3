import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredGeneration } from "../../node/generation/store.ts";
import { listGenerations, liveGeneration, stageGeneration } from "../../node/generation/store.ts";
import { readJournal, readRolledBack, writeJournal } from "../../node/switch/journal.ts";
import { linuxUnitFiles } from "../../node/platform/linux/unit-files.ts";
import { liveDifferences } from "../../node/switch/live-files.ts";
import { confirmSwitch, DEAD_MAN, switchTo, takeBack } from "../../node/switch/switch.ts";
import type { Switched } from "../../node/switch/switch.ts";
import { EXIT } from "../../node/protocol.ts";
import { failureOf, KEY, nameOf, SwitchBench, TOKEN, UNIT } from "./switch-fixture.ts";

const [FIRST, SECOND, THIRD] = [nameOf("1"), nameOf("2"), nameOf("3")];

let bench: SwitchBench;
beforeEach(async () => {
  bench = await SwitchBench.start();
});
afterEach(() => {
  bench.stop();
});

async function switchToName(name: string, keep = 3, controller?: AbortController) {
  const generation = bench.generation(name);
  await stageGeneration(bench.home, generation);
  return await switchTo(bench.home, generation, keep, bench.context(controller));
}

/** Everything about the live state that a failed or interrupted switch must not change for good. */
async function serving() {
  const name = await liveGeneration(bench.home);
  return {
    live: name,
    running: bench.running,
    enabled: bench.enabled,
    differences: name === null ? [] : await liveDifferences(bench.home, bench.generation(name), linuxUnitFiles),
    journal: await readJournal(bench.home),
    timers: [...bench.timers.keys()],
  };
}
const served = (name: string) => ({ live: name, running: name, enabled: true, differences: [], journal: null, timers: [] }); // prettier-ignore

describe("a switch", () => {
  it("puts the first generation live and waits for its confirmation", async () => {
    const done = await switchToName(FIRST);
    expect(done).toMatchObject({ action: "switched", previous: null, kept: [FIRST] });
    expect(await serving()).toEqual({
      ...served(FIRST),
      journal: { state: "unconfirmed", to: FIRST, interruptionMs: done.interruptionMs },
      timers: [DEAD_MAN],
    });
    await confirmSwitch(bench.home, bench.context());
    expect(await serving()).toEqual(served(FIRST));
  });

  it("sets the timer and the journal before it touches anything that is live", async () => {
    await bench.serve(FIRST);
    const seen: unknown[] = [];
    bench.interfere = (request) => {
      const unit = readFileSync(join(bench.home.userUnits, UNIT), "utf8");
      seen.push([request.split(" ")[0], existsSync(bench.home.switchJournal), unit.includes(SECOND)]);
    };
    await switchToName(SECOND);
    expect(seen.slice(0, 2)).toEqual([["schedule", false, false], ["reload", true, true]]); // prettier-ignore
    expect(bench.asked[0]).toBe(`schedule ${DEAD_MAN} /opt/gatehouse/program/x/gatehouse-node settle`);
    expect(bench.asked.slice(1, 4)).toEqual(["reload", `enable ${UNIT}`, `restart ${UNIT}`]);
  });

  it("keeps what it replaced as a point to return to", async () => {
    await bench.serve(FIRST);
    expect(await switchToName(SECOND)).toMatchObject({ action: "switched", previous: FIRST, kept: [SECOND, FIRST] });
    expect(await readJournal(bench.home)).toMatchObject({ state: "unconfirmed", from: FIRST, to: SECOND });
  });

  it("prunes to the number that is kept, never what is live or the way back", async () => {
    await bench.serve(FIRST);
    for (const name of [SECOND, THIRD]) {
      await switchToName(name, 2);
      await confirmSwitch(bench.home, bench.context());
    }
    expect((await listGenerations(bench.home)).toSorted()).toEqual([SECOND, THIRD]);
  });

  it("does nothing when the generation serves already", async () => {
    await bench.serve(FIRST);
    expect(await switchToName(FIRST)).toMatchObject({ action: "unchanged", previous: null, interruptionMs: 0 });
    expect(bench.asked).toEqual([]);
    expect(bench.calls()).toEqual([]);
  });

  it("lets an unconfirmed switch wait again when it is repeated, with the way back it had", async () => {
    await bench.serve(FIRST);
    const { interruptionMs } = await switchToName(SECOND);
    bench.timers.clear();
    expect(await switchToName(SECOND)).toMatchObject({ action: "unchanged", previous: FIRST, interruptionMs });
    expect(await readJournal(bench.home)).toMatchObject({ from: FIRST, to: SECOND });
    expect([...bench.timers.keys()]).toEqual([DEAD_MAN]);
  });

  it.each([
    ["the process is gone", () => (bench.running = null)],
    ["the unit is not enabled", () => (bench.enabled = false)],
    ["the environment file is gone", () => { rmSync(bench.home.environmentFile); }], // prettier-ignore
    ["the unit file is gone", () => { rmSync(join(bench.home.userUnits, UNIT)); }], // prettier-ignore
  ])("repairs what is live when %s, and needs no confirmation", async (_name, spoil) => {
    await bench.serve(FIRST);
    spoil();
    expect(await switchToName(FIRST)).toMatchObject({ action: "switched", kept: [FIRST] });
    expect(await serving()).toEqual(served(FIRST));
  });

  it("does not restart for a configuration that only the vendor's notes changed in", async () => {
    const { files } = await bench.serve(FIRST);
    const rewritten = { ...(JSON.parse(files.config) as object), meta: { lastTouchedAt: "now" } };
    await stageGeneration(bench.home, bench.generation(FIRST));
    rmSync(bench.home.config);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(bench.home.config, JSON.stringify(rewritten));
    expect(await switchToName(FIRST)).toMatchObject({ action: "unchanged" });
  });
});

describe("a switch that changes the key file only", () => {
  const RELOADED = { ok: true, warningCount: 0 };
  const VARIABLE = "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY";

  /** The same generation but for the key in its file. */
  function withKey(name: string, key: string): StoredGeneration {
    const { manifest, files } = bench.generation(FIRST);
    const credential = {
      provider: "anthropic",
      variable: VARIABLE,
      fingerprint: `h1.${key}`,
      delivery: "file",
    } as const;
    return {
      manifest: { ...manifest, generation: name, agents: [{ id: "research", credentials: [credential] }] },
      // not in the order in which they are read from the disk
      files: { keys: JSON.stringify({ [VARIABLE]: key }), ...files },
    };
  }
  async function serveFirst(): Promise<void> {
    const first = withKey(FIRST, "old-key");
    await stageGeneration(bench.home, first);
    await switchTo(bench.home, first, 3, bench.context());
    await confirmSwitch(bench.home, bench.context());
    bench.running = FIRST;
    bench.asked.length = 0;
  }
  async function rotate(): Promise<Switched> {
    const second = withKey(SECOND, "new-key");
    await stageGeneration(bench.home, second);
    return await switchTo(bench.home, second, 3, bench.context());
  }
  const restarts = (): string[] => bench.asked.filter((request) => request.startsWith("restart"));
  const keyFile = (): string => readFileSync(bench.home.keys, "utf8");
  const indeterminate = (kind = "indeterminate"): void => {
    bench.answer(
      "models-research",
      { auth: { modelRouteIssues: [{ kind, message: "not confirmed" }] } },
      { status: 1 },
    );
  };
  beforeEach(async () => {
    indeterminate();
    bench.answer("secrets-reload", RELOADED);
    await serveFirst();
  });

  it("restarts nothing and interrupts nobody", async () => {
    const done = await rotate();
    expect(done).toMatchObject({ action: "switched", previous: FIRST, interruptionMs: 0 });
    expect(done.proof?.unconfirmedAgents).toEqual(["research"]);
    expect(restarts()).toEqual([]);
    expect(keyFile()).toContain("new-key");
    expect(statSync(bench.home.keys).mode & 0o777).toBe(0o600);
    expect(await liveGeneration(bench.home)).toBe(SECOND);
    expect(await readJournal(bench.home)).toMatchObject({ state: "unconfirmed", from: FIRST, to: SECOND });
  });

  it.each([
    ["a key that it cannot read", { ok: true, warningCount: 1 }, 0],
    ["no count of warnings", { ok: true }, 0],
    ["a refusal", { ok: false }, 1],
    ["no answer", "", 1],
  ])("returns to the old key when the gateway reloads with %s", async (_what, answer, status) => {
    bench.answer("secrets-reload", answer, { status, complaint: "boom new-key" });
    const failure = await failureOf(rotate());
    expect(failure).toMatchObject({ layer: "provider credential", code: "secrets-reload", exit: EXIT.gate });
    expect(failure.message).not.toContain("new-key");
    expect(keyFile()).toContain("old-key");
    expect(await liveGeneration(bench.home)).toBe(FIRST);
    expect(restarts()).toEqual([`restart ${UNIT}`]);
  });

  it("restarts when more than the file differs", async () => {
    const second = withKey(SECOND, "new-key");
    const changed = { ...second, files: { ...second.files, unit: `# ${SECOND}\n[Service]\n` } };
    await stageGeneration(bench.home, changed);
    await switchTo(bench.home, changed, 3, bench.context());
    expect(restarts()).toEqual([`restart ${UNIT}`]);
  });

  it("restarts when the gateway does not run", async () => {
    bench.behaviours.set(FIRST, { start: "mute" });
    bench.enabled = false;
    expect((await failureOf(rotate())).code).toBe("not-ready");
    expect(restarts().length).toBeGreaterThan(0);
  });

  it("still needs OpenClaw to have no other complaint about the agent", async () => {
    const second = withKey(SECOND, "new-key");
    const changed = { ...second, files: { ...second.files, config: second.files.config.replace("gatehouse", "us") } };
    await stageGeneration(bench.home, changed);
    indeterminate("missing-credential");
    expect((await failureOf(switchTo(bench.home, changed, 3, bench.context()))).code).toBe("agent-credential");
  });

  it("leaves no key behind for a generation without one", async () => {
    await switchToName(THIRD).catch(() => undefined);
    bench.answer("models-research", { auth: {} });
    await switchToName(THIRD);
    expect(existsSync(bench.home.keys)).toBe(false);
  });
});

describe("a switch that fails", () => {
  const failures: readonly (readonly [string, string, () => void])[] = [
    ["ends while it starts", "start-failed", () => bench.behaviours.set(SECOND, { start: "ended" })],
    ["is never ready", "not-ready", () => bench.behaviours.set(SECOND, { start: "mute" })],
    ["is another version", "wrong-version", () => bench.behaviours.set(SECOND, { version: "2026.9.5" })],
    ["has an agent without a key", "agent-credential", () => { bench.answer("models-research", { auth: { missingProvidersInUse: ["anthropic"] } }, { status: 1 }); }], // prettier-ignore
    ["does not accept its token", "rpc", () => { bench.answer("gateway-status", { service: { loaded: true, configAudit: { ok: true } }, rpc: { ok: false, error: `bad ${TOKEN}` } }, { status: 1 }); }], // prettier-ignore
  ];

  it.each(failures)("because the process %s returns to the previous generation", async (_name, code, arrange) => {
    await bench.serve(FIRST);
    arrange();
    const failure = await failureOf(switchToName(SECOND));
    expect(failure).toMatchObject({ code, exit: EXIT.gate });
    expect(failure.message).toContain(`; the previous generation ${FIRST} is serving again`);
    expect(failure.message).not.toMatch(new RegExp(`${TOKEN}|${KEY}`));
    expect(await serving()).toEqual(served(FIRST));
    expect(await listGenerations(bench.home)).toEqual([FIRST]);
  });

  it.each(failures)("because the process %s leaves nothing when it was the first", async (_name, code, arrange) => {
    arrange();
    const failure = await failureOf(switchToName(SECOND));
    expect(failure).toMatchObject({ code, exit: EXIT.gate });
    expect(await serving()).toEqual({ ...served(""), live: null, running: null, enabled: false });
    for (const path of [
      bench.home.config,
      bench.home.environmentFile,
      join(bench.home.userUnits, "gatehouse-settle.service"),
      join(bench.home.userUnits, UNIT),
    ])
      // prettier-ignore
      expect(existsSync(path), path).toBe(false);
    expect(await listGenerations(bench.home)).toEqual([]);
  });

  it("is refused before anything live is touched when its runtime refuses the configuration", async () => {
    await bench.serve(FIRST);
    const issues = [{ path: "telemetri", message: "Unrecognized key" }];
    bench.answer("secrets-apply", {}, { status: 1 });
    bench.answer("config-validate", { valid: false, issues }, { status: 1 });
    const failure = await failureOf(switchToName(SECOND));
    expect(failure).toMatchObject({ code: "config-invalid", layer: "config or disk", exit: EXIT.gate });
    expect(bench.asked).toEqual([]);
    expect(await serving()).toEqual(served(FIRST));
    expect(await listGenerations(bench.home)).toEqual([FIRST]);
  });

  it("returns to the last confirmed generation, not to one that nobody confirmed", async () => {
    await bench.serve(FIRST);
    await switchToName(SECOND);
    bench.behaviours.set(THIRD, { start: "ended" });
    const failure = await failureOf(switchToName(THIRD));
    expect(failure.message).toContain(`${FIRST} is serving again`);
    expect(await serving()).toEqual(served(FIRST));
  });

  it("leaves the timer and the journal when the way back fails, too", async () => {
    await bench.serve(FIRST);
    for (const name of [FIRST, SECOND]) bench.behaviours.set(name, { start: "ended" });
    const failure = await failureOf(switchToName(SECOND));
    expect(failure).toMatchObject({ code: "start-failed", exit: EXIT.gate });
    expect(failure.message).toContain(`returning to ${FIRST} failed as well`);
    expect(await serving()).toMatchObject({ journal: { state: "switching", from: FIRST, to: SECOND }, timers: [DEAD_MAN] }); // prettier-ignore
    bench.behaviours.delete(FIRST);
    await takeBack(bench.home, false, bench.context());
    expect(await serving()).toEqual(served(FIRST));
  });
});

describe("a switch that is killed", () => {
  /** Requests to the service manager of one whole switch. */
  const REQUESTS = 5;
  const stops = Array.from({ length: REQUESTS }, (_value, index) => index);

  /** Runs a switch whose process does nothing more from its n-th request on. */
  async function killedAt(stop: number): Promise<void> {
    await bench.serve(FIRST);
    const controller = new AbortController();
    let count = 0;
    bench.interfere = () => {
      if (count === stop) controller.abort(new Error("killed"));
      count += 1;
    };
    await expect(switchToName(SECOND, 3, controller)).rejects.toThrow("killed");
    bench.interfere = () => undefined;
  }

  it("makes this many requests", async () => {
    await bench.serve(FIRST);
    await switchToName(SECOND);
    expect(bench.asked).toHaveLength(REQUESTS);
  });
  it.each(stops)("at request %i converges at the next run, and can still go back", async (stop) => {
    await killedAt(stop);
    expect(await switchToName(SECOND)).toMatchObject({ previous: FIRST });
    expect(await serving()).toMatchObject({ live: SECOND, running: SECOND, differences: [] });
    expect(await readJournal(bench.home)).toMatchObject({ from: FIRST, to: SECOND });
    await takeBack(bench.home, false, bench.context());
    expect(await serving()).toEqual(served(FIRST));
  });
  it.each(stops)("at request %i is taken back by the timer", async (stop) => {
    await killedAt(stop);
    await takeBack(bench.home, false, bench.context());
    expect(await serving()).toEqual({ ...served(FIRST), timers: [...bench.timers.keys()] });
  });
  it.each(stops)("at request %i is taken back at a boot", async (stop) => {
    await killedAt(stop);
    bench.running = null;
    bench.timers.clear();
    await takeBack(bench.home, true, bench.context());
    // the service manager starts the unit right afterwards
    expect(await serving()).toEqual({ ...served(FIRST), running: null });
  });
});

describe("taking a switch back", () => {
  it("has nothing to do when all is confirmed", async () => {
    await bench.serve(FIRST);
    await takeBack(bench.home, false, bench.context());
    expect(bench.asked).toEqual([]);
    expect(await readRolledBack(bench.home)).toBeNull();
  });
  it.each([["unconfirmed"], ["interrupted"]] as const)(
    "remembers that it was %s, and keeps its generation",
    async (reason) => {
      await bench.serve(FIRST);
      await switchToName(SECOND);
      if (reason === "interrupted")
        await writeJournal(bench.home, { state: "switching", from: FIRST, to: SECOND, interruptionMs: 0 });
      await takeBack(bench.home, false, bench.context());
      expect(await readRolledBack(bench.home)).toEqual({ generation: SECOND, reason });
      expect(statSync(bench.home.rolledBack).mode & 0o777).toBe(0o600);
      expect((await listGenerations(bench.home)).toSorted()).toEqual([FIRST, SECOND]);
      expect(await serving()).toEqual(served(FIRST));
    },
  );
  it("keeps a first generation that passed its gate: there is nothing to return to", async () => {
    await switchToName(FIRST);
    await takeBack(bench.home, false, bench.context());
    expect(await serving()).toEqual(served(FIRST));
    expect(await readRolledBack(bench.home)).toBeNull();
  });
  it("removes a first generation that was interrupted", async () => {
    await switchToName(FIRST);
    await writeJournal(bench.home, { state: "switching", to: FIRST, interruptionMs: 0 });
    await takeBack(bench.home, false, bench.context());
    expect(await serving()).toMatchObject({ running: null, enabled: false, journal: null, timers: [] });
    expect(existsSync(bench.home.environmentFile)).toBe(false);
  });
  it("is forgotten once a switch passes its gate", async () => {
    await bench.serve(FIRST);
    await switchToName(SECOND);
    await takeBack(bench.home, false, bench.context());
    await switchToName(SECOND);
    expect(await readRolledBack(bench.home)).toBeNull();
  });
});
