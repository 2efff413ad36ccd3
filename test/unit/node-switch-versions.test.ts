import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stageGeneration } from "../../node/generation/store.ts";
import { rollbackPoints } from "../../node/rollback/points.ts";
import { readJournal } from "../../node/switch/journal.ts";
import { confirmSwitch, switchTo, takeBack } from "../../node/switch/switch.ts";
import type { StateChoice } from "../../node/state/guard.ts";
import { readSnapshot } from "../../node/state/snapshot.ts";
import { damage, failureOf, nameOf, SwitchBench, VERSION } from "./switch-fixture.ts";

const [OLD, NEW] = [nameOf("1"), nameOf("2")];
const NEXT = "2026.10.1";
const SHARED = "state/openclaw.sqlite";
const AGENT = "agents/research/agent/openclaw-agent.sqlite";

let bench: SwitchBench;
beforeEach(async () => {
  bench = await SwitchBench.start();
  await bench.serve(OLD);
  for (const [path, schema] of [[SHARED, 7], [AGENT, 3]] as const) write(path, schema, `of ${VERSION}`); // prettier-ignore
  bench.behaviours.set(NEW, { version: NEXT });
});
afterEach(() => {
  bench.stop();
});

const place = (path: string): string => join(bench.home.openclaw, path);

/** A database of a schema, with one note in it. */
function write(path: string, schema: number, note: string): void {
  mkdirSync(dirname(place(path)), { recursive: true });
  const database = new DatabaseSync(place(path));
  database.exec(`PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS notes (note TEXT); PRAGMA user_version=${schema}`);
  database.prepare("INSERT INTO notes VALUES (?)").run(note);
  database.close();
}

function notes(path: string): unknown[] {
  const database = new DatabaseSync(place(path), { readOnly: true });
  try {
    return database.prepare("SELECT note FROM notes").all().map(({ note }) => note); // prettier-ignore
  } finally {
    database.close();
  }
}

/** The newer version's process changes the state's schema when it starts. */
function migrates(): void {
  bench.interfere = (request) => {
    if (!request.startsWith("restart")) return;
    bench.interfere = () => undefined;
    write(SHARED, 8, `of ${NEXT}`);
  };
}

async function goTo(name: string, state: StateChoice = "keep") {
  const generation = bench.generation(name, name === NEW ? { openclawVersion: NEXT } : {});
  await stageGeneration(bench.home, generation);
  return await switchTo(bench.home, generation, 5, bench.context(), state);
}

/** As an update that was confirmed leaves it. */
async function updated(): Promise<void> {
  await goTo(NEW);
  await confirmSwitch(bench.home, bench.context());
  bench.asked.length = 0;
}

describe("another version of OpenClaw", () => {
  it("leaves a snapshot of the state of the one before, for its owner alone, and the journal names it", async () => {
    await goTo(NEW);
    expect(await readJournal(bench.home)).toMatchObject({ from: OLD, to: NEW, snapshot: VERSION });
    const snapshot = await readSnapshot(bench.home, VERSION);
    expect(snapshot?.databases.map(({ path, version }) => [path, version])).toEqual([
      [SHARED, 7],
      [AGENT, 3],
    ]);
    const directory = join(bench.home.snapshots, VERSION);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it("is not asked for anything before its way back is secured", async () => {
    const seen: unknown[] = [];
    bench.interfere = (request) => {
      seen.push([request.split(" ")[0], bench.calls().length, existsSync(bench.home.snapshots)]);
    };
    await goTo(NEW);
    expect(seen[0]).toEqual(["schedule", 0, true]);
  });

  it("that fails after it changed the state gives way to the one before, with the state that this knows", async () => {
    migrates();
    bench.behaviours.set(NEW, { version: NEXT, start: "ended" });
    await expect(goTo(NEW)).rejects.toThrow("is serving again");
    expect([bench.running, notes(SHARED)]).toEqual([OLD, [`of ${VERSION}`]]);
    expect(await readJournal(bench.home)).toBeNull();
  });

  it("that fails and changed no schema leaves the state as it is", async () => {
    bench.behaviours.set(NEW, { version: NEXT, start: "ended" });
    bench.interfere = (request) => {
      if (request.startsWith("restart")) write(AGENT, 3, "of a turn");
    };
    await expect(goTo(NEW)).rejects.toThrow("is serving again");
    expect(notes(AGENT)).toContain("of a turn");
  });

  it("that nobody confirmed gives way at a boot, with the state that the other knows", async () => {
    migrates();
    await goTo(NEW);
    await takeBack(bench.home, true, bench.context());
    expect(notes(SHARED)).toEqual([`of ${VERSION}`]);
  });

  it("that is refused before it starts leaves no journal and no timer", async () => {
    bench.answer("secrets-apply", {}, { status: 1, complaint: "no" });
    await expect(goTo(NEW)).rejects.toMatchObject({ code: "secrets-apply" });
    expect([await readJournal(bench.home), bench.timers.size, bench.running]).toEqual([null, 0, OLD]);
  });
});

describe("an older version of OpenClaw", () => {
  it("takes the state as it is while it knows the schema", async () => {
    await updated();
    write(AGENT, 3, "of a turn");
    expect(await goTo(OLD)).toMatchObject({ action: "switched", previous: NEW });
    expect(notes(AGENT)).toContain("of a turn");
  });

  it("is refused before anything is touched where the state is newer than what it knew", async () => {
    migrates();
    await updated();
    const failure = await failureOf(goTo(OLD));
    expect(failure).toMatchObject({ code: "state-newer", layer: "config or disk" });
    expect(failure.message).toContain(SHARED);
    expect(failure.fix).toContain("--restore-state");
    expect([bench.asked, bench.running]).toEqual([[], NEW]);
  });

  it("gets the state that it left where that is asked for; the newer one is kept as the other's snapshot", async () => {
    migrates();
    await updated();
    expect(await goTo(OLD, "restore snapshot")).toMatchObject({ action: "switched" });
    expect(notes(SHARED)).toEqual([`of ${VERSION}`]);
    expect((await readSnapshot(bench.home, NEXT))?.databases).toContainEqual(
      expect.objectContaining({ path: SHARED, version: 8 }),
    );
  });

  it("that does not start with the state that it left gives way, with the newer state", async () => {
    migrates();
    await updated();
    bench.behaviours.set(OLD, { start: "ended" });
    await expect(goTo(OLD, "restore snapshot")).rejects.toThrow("is serving again");
    expect([bench.running, notes(SHARED)]).toEqual([NEW, [`of ${VERSION}`, `of ${NEXT}`]]);
  });

  it("is refused where nothing says that it knows the state", async () => {
    const older = bench.generation(NEW, { openclawVersion: "2026.9.1" });
    await stageGeneration(bench.home, older);
    const switching = switchTo(bench.home, older, 5, bench.context(), "restore snapshot");
    expect(await failureOf(switching)).toMatchObject({ code: "state-unknown" });
    expect([bench.asked, bench.running]).toEqual([[], OLD]);
  });

  it("is refused with a snapshot that is damaged, and the live one goes on", async () => {
    migrates();
    await updated();
    damage(join(bench.home.snapshots, VERSION, "0.sqlite"));
    expect(await failureOf(goTo(OLD, "restore snapshot"))).toMatchObject({ code: "snapshot-damaged" });
    expect([bench.asked, bench.running]).toEqual([[], NEW]);
  });

  it("is refused without its snapshot", async () => {
    migrates();
    await updated();
    writeFileSync(join(bench.home.snapshots, VERSION, "snapshot.json"), "{}");
    await expect(goTo(OLD, "restore snapshot")).rejects.toThrow();
    expect([bench.asked, bench.running]).toEqual([[], NEW]);
  });
});

describe("the points that a gateway can go back to", () => {
  it("are none before the first switch, and none while there is one generation", async () => {
    expect(await rollbackPoints(bench.home)).toEqual({
      live: { generation: OLD, openclawVersion: VERSION },
      points: [],
    });
  });

  it("say what is in the way of an older version", async () => {
    migrates();
    await updated();
    const { live, points } = await rollbackPoints(bench.home);
    expect(live).toEqual({ generation: NEW, openclawVersion: NEXT });
    expect(points).toMatchObject([
      { generation: OLD, openclawVersion: VERSION, credentials: [], obstacle: { code: "state-newer" } },
    ]);
  });

  it("say which credentials have another value there, by fingerprint", async () => {
    const credential = (fingerprint: string) => ({ provider: "anthropic", variable: "KEY", fingerprint });
    const changed = bench.generation(NEW, {
      tokenFingerprint: "h1.other",
      agents: [{ id: "research", credentials: [credential("h1.new")] }],
    });
    await stageGeneration(bench.home, changed);
    const [point] = (await rollbackPoints(bench.home)).points;
    expect(point?.obstacle).toBeNull();
    expect(point?.credentials).toEqual([
      expect.objectContaining({ track: "gateway", before: "0123456789abcdef", after: "h1.other" }),
      { track: "provider", variable: "KEY", agent: "research", provider: "anthropic", before: null, after: "h1.new" },
    ]);
  });

  it("do not include a generation that is not whole", async () => {
    await stageGeneration(bench.home, bench.generation(NEW));
    damage(join(bench.home.generations, NEW, "manifest.json"));
    await expect(rollbackPoints(bench.home)).rejects.toThrow();
  });
});
