import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { logFiles, readLaunchdLog, startMark } from "../../node/platform/darwin/log.ts";
import { parseLogPosition } from "../../node/platform/darwin/log-position.ts";
import type { LogEntry, LogStart } from "../../node/platform/services.ts";
import { ended, FakeLaunchd } from "./darwin-fixture.ts";

const hands = vi.hoisted(() => ({ exec: vi.fn() }));
vi.mock(import("../../node/lib/exec.ts"), async (original) => ({ ...(await original()), exec: hands.exec }));

const LABEL = "org.gatehouse.gateway.team-a";
const SINCE = new Date("2026-11-27T08:00:00.000Z");
const MARK = startMark(new Date("2026-11-27T08:00:01.000Z"));

let root: string;
let log: string;
let launchd: FakeLaunchd;
let position: string | null;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-log-"));
  mkdirSync(join(root, "gatehouse"));
  log = join(root, "gatehouse/team-a.log");
  launchd = new FakeLaunchd();
  hands.exec.mockImplementation(launchd.run);
  position = null;
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const runs = (count: number): void => {
  const job = launchd.jobs.get(LABEL);
  if (job === undefined) launchd.load(LABEL, "/x", 893);
  const loaded = launchd.jobs.get(LABEL);
  if (loaded !== undefined) launchd.jobs.set(LABEL, { ...loaded, runs: count, pid: 893 + count });
};
const write = (...lines: readonly string[]): void => {
  appendFileSync(log, lines.map((line) => `${line}\n`).join(""));
};
/** As newsyslog does: five old files. */
const rotate = (): void => {
  for (const age of [3, 2, 1, 0]) {
    if (statSync(`${log}.${age}`, { throwIfNoEntry: false })) renameSync(`${log}.${age}`, `${log}.${age + 1}`);
  }
  renameSync(log, `${log}.0`);
  writeFileSync(log, "");
};
const word = (entry: LogEntry | null): string => {
  if (entry === null) return "unreadable";
  return entry.event === undefined ? entry.text : `<${entry.event}>`;
};
/** What is new since the last reading. */
const read = async (start?: LogStart): Promise<readonly string[]> => {
  const found: string[] = [];
  const from = start ?? (position === null ? { since: SINCE } : { position });
  position = await readLaunchdLog(LABEL, log, from, (entry) => found.push(word(entry)));
  return found;
};

describe("the log of launchd's", () => {
  it("begins where there is none yet, and has every line from then on", async () => {
    expect(await read()).toEqual([]);
    write("a", "b");
    expect(await read()).toEqual(["a", "b"]);
    expect(await read()).toEqual([]);
    write("c");
    expect(await read()).toEqual(["c"]);
  });
  it("begins where its folder is not made yet", async () => {
    rmSync(join(root, "gatehouse"), { recursive: true });
    expect(await read()).toEqual([]);
    mkdirSync(join(root, "gatehouse"));
    write(MARK, "a");
    expect(await read()).toEqual(["<started>", "a"]);
  });
  it("begins with the first start since: older lines have no time and are not counted", async () => {
    write("old", startMark(new Date("2026-11-27T07:59:59.999Z")), "older", MARK, "a");
    rotate();
    write("b");
    expect(await read()).toEqual(["<started>", "a", "b"]);
    expect(await read()).toEqual([]);
  });
  it("of a gateway that ran before begins at its end", async () => {
    write(startMark(new Date("2026-11-27T07:00:00Z")), "old");
    runs(4);
    expect(await read()).toEqual([]);
    write("a");
    expect(await read()).toEqual(["a"]);
  });
  it("waits for the end of a line", async () => {
    write(MARK);
    appendFileSync(log, "half");
    expect(await read()).toEqual(["<started>"]);
    appendFileSync(log, " and half\nnext\n");
    expect(await read()).toEqual(["half and half", "next"]);
  });
  it("is read on in the renamed file, in which launchd goes on writing, and in the new one", async () => {
    write(MARK, "a");
    await read();
    rotate();
    appendFileSync(`${log}.0`, "b\n");
    expect(await read()).toEqual(["b"]);
    write("c");
    appendFileSync(`${log}.0`, "late\n");
    expect(await read()).toEqual(["late", "c"]);
    rotate();
    write("d");
    appendFileSync(`${log}.1`, "later\n");
    expect(await read()).toEqual(["later", "d"]);
    expect(await read()).toEqual([]);
  });
  it("has every line once over many rotations between two readings", async () => {
    write(MARK, "a");
    await read();
    for (const line of ["b", "c", "d", "e"]) {
      write(line);
      rotate();
    }
    write("f");
    expect(await read()).toEqual(["b", "c", "d", "e", "f"]);
    expect(await read()).toEqual([]);
  });
  it("is not read twice when a file was not found in one reading", async () => {
    write(MARK, "a");
    rotate();
    write("b");
    await read();
    renameSync(`${log}.0`, `${log}.hidden`);
    expect(await read()).toEqual([]);
    renameSync(`${log}.hidden`, `${log}.1`);
    expect(await read()).toEqual([]);
  });
  it.each([
    ["emptied in place", []],
    ["emptied and longer than before", ["x".repeat(200)]],
  ])("that was %s is read from its beginning", async (_name, lines) => {
    write(MARK, "a");
    await read();
    truncateSync(log);
    write(...lines, "b");
    expect(await read()).toEqual([...lines, "b"]);
    expect(await read()).toEqual([]);
  });
  it("takes another file for another one, though it has the same inode", async () => {
    write(MARK, "a", "b");
    await read();
    const known = parseLogPosition(position ?? "");
    rmSync(log);
    write("c", "d", "e", "f".repeat(100));
    const inode = String(statSync(log).ino);
    position = JSON.stringify({ ...known, files: known?.files.map((file) => ({ ...file, inode })) });
    expect(await read()).toEqual(["c", "d", "e", "f".repeat(100)]);
  });
  it("that is gone is a failure, not a silent gateway", async () => {
    write(MARK, "a");
    rotate();
    await read();
    rmSync(log);
    await expect(read()).rejects.toMatchObject({ code: "journal", fix: expect.stringContaining("restart") as string });
  });
  it("is not read through a link", async () => {
    writeFileSync(join(root, "secret"), "x\n");
    symlinkSync(join(root, "secret"), log);
    await expect(read()).rejects.toMatchObject({ code: "journal" });
  });
  it.each(["", "{}", "not JSON", JSON.stringify({ files: [{ inode: "x", offset: -1, digest: "" }], load: null })])(
    "begins at its end where a position is none of ours: %j",
    async (foreign) => {
      write(MARK, "a");
      runs(5);
      expect(await read({ position: foreign })).toEqual([]);
      write("b");
      expect(await read()).toEqual(["b"]);
    },
  );
  it("says of a line without end that it can't be read, and goes on behind it", async () => {
    write(MARK, "x".repeat(3 * 1024 * 1024), "a");
    expect(await read()).toEqual(["<started>", "unreadable", "a"]);
    appendFileSync(log, "y".repeat(2 * 1024 * 1024));
    expect(await read()).toEqual([]);
    write("", "b");
    expect(await read()).toEqual(["unreadable", "b"]);
  });
  it("keeps lines whole over the chunks that it is read in", async () => {
    const lines = Array.from({ length: 4000 }, (_, index) => `${index} ${"ü".repeat(index % 97)}`);
    write(MARK, ...lines);
    expect((await read()).slice(1)).toEqual(lines);
  });
  it("holds no line in its position", async () => {
    write(MARK, "a secret of somebody's");
    await read();
    expect(position).not.toContain("secret");
  });
  it("is its own files alone, the oldest first", async () => {
    const names = ["team-a.log", "team-a.log.0", "team-a.log.10", "team-a.log.2", "team-a.log.0.gz", "team-a.log.x", "team-ab.log", "xteam-a.log"]; // prettier-ignore
    for (const name of names) writeFileSync(join(root, "gatehouse", name), "");
    expect(await logFiles(log)).toEqual([`${log}.10`, `${log}.2`, `${log}.0`, log]);
  });
});

describe("starts in the log", () => {
  it("by root are its notes; those of launchd's own come out of its counter, each once", async () => {
    write(MARK, "a");
    runs(1);
    expect(await read()).toEqual(["<started>", "a"]);
    write("b");
    runs(3);
    expect(await read()).toEqual(["<restarted>", "<started>", "<restarted>", "<started>", "b"]);
    expect(await read()).toEqual([]);
    write(startMark(new Date("2026-11-27T09:00:00Z")), "c");
    runs(2);
    expect(await read()).toEqual(["<started>", "<restarted>", "<started>", "c"]);
    expect(await read()).toEqual([]);
  });
  it("at a boot are one each, though the counter stands where it stood", async () => {
    write(MARK);
    runs(1);
    await read();
    launchd.boot = "0B1A3C80-0000-5000-8000-0123456789AB";
    expect(await read()).toEqual(["<started>"]);
    expect(await read()).toEqual([]);
  });
  it("are none where the system does not say which boot it is and the counter goes on", async () => {
    launchd.boot = undefined;
    write(MARK);
    runs(1);
    expect(await read()).toEqual(["<started>"]);
    expect(await read()).toEqual([]);
  });
  it("are not guessed when launchd gives no answer, and the lines are read the next time", async () => {
    write(MARK, "a");
    await read();
    write("b");
    hands.exec.mockResolvedValue(ended(1, "", "Operation not permitted"));
    await expect(read()).rejects.toMatchObject({ code: "launchd" });
    hands.exec.mockImplementation(launchd.run);
    expect(await read()).toEqual(["b"]);
  });
});
