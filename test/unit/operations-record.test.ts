import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OperationError } from "../../operations/error.ts";
import type { StackOutputs } from "../../operations/outputs.ts";
import { lineHash, linesOf } from "../../operations/record/chain.ts";
import { entryOf, type EntryInput } from "../../operations/record/entry.ts";
import { recorded } from "../../operations/record/recorded.ts";
import { lastEntries, recordMarkdown, recordText, verified } from "../../operations/record/report.ts";
import { append, readRecord, recordFiles } from "../../operations/record/store.ts";
import type { GatehouseStack } from "../../operations/stack.ts";

const STACK = "prod";
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "gatehouse-record-"));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

const quiet = (): void => undefined;
const files = () => recordFiles(stateDir, STACK);
const add = (contents: object) => append(stateDir, STACK, contents, quiet);
const problems = async () => (await readRecord(stateDir, STACK)).problems;
const rewrite = (change: (lines: string[]) => string[]): void => {
  const lines = change([...linesOf(readFileSync(files().lines, "utf8"))]);
  writeFileSync(files().lines, lines.map((line) => `${line}\n`).join(""));
};

describe("a change record", () => {
  beforeEach(async () => {
    for (const time of ["1", "2", "3", "4"]) await add({ time });
  });

  it("is a private chain, to which is only added", async () => {
    expect(await problems()).toEqual([]);
    for (const path of Object.values(files())) expect(statSync(path as string).mode & 0o777).toBe(0o600);
    const { lines } = await readRecord(stateDir, STACK);
    expect(lines.map((line) => (JSON.parse(line) as { seq: number; time: string }).time)).toEqual(["1", "2", "3", "4"]);
    const { seq, hash } = await add({ time: "5" });
    expect(seq).toBe(5);
    expect(verified(await readRecord(stateDir, STACK), hash)).toEqual({ entries: 5, head: hash });
  });

  it.each([0, 1, 2, 3])("shows that line %i was changed", async (index) => {
    rewrite((lines) => lines.with(index, (lines[index] ?? "").replace(/"time":"\d"/, '"time":"9"')));
    expect(await problems()).toHaveLength(1);
    await expect(readRecord(stateDir, STACK).then((text) => verified(text))).rejects.toThrow(OperationError);
  });
  it.each([0, 1, 2, 3])("shows that line %i was taken out", async (index) => {
    rewrite((lines) => lines.toSpliced(index, 1));
    expect((await problems()).length).toBeGreaterThan(0);
  });
  it.each([0, 1, 2, 3])("shows that a line was put in before line %i", async (index) => {
    rewrite((lines) => lines.toSpliced(index, 0, lines[index] ?? ""));
    expect((await problems()).length).toBeGreaterThan(0);
  });
  it.each([
    ["two lines were exchanged", (lines: string[]) => [lines[1], lines[0], ...lines.slice(2)] as string[]],
    ["a line is no JSON", (lines: string[]) => lines.with(1, "nothing")],
    ["lines were put behind the last", (lines: string[]) => [...lines, "{}", "{}"]],
    ["everything is gone", () => []],
  ])("shows that %s", async (_what, change) => {
    rewrite(change);
    expect((await problems()).length).toBeGreaterThan(0);
  });
  it("shows a head that is gone, damaged or another one", async () => {
    const head = readFileSync(files().head, "utf8");
    writeFileSync(files().head, head.replace(/"hash":"./, '"hash":"g'));
    await expect(problems()).rejects.toThrow(/damaged/);
    writeFileSync(files().head, head.replace(/"hash":"[0-9a-f]{4}/, '"hash":"0000'));
    expect(await problems()).toHaveLength(1);
    rmSync(files().head);
    expect(await problems()).toEqual([{ line: 0, problem: "its head is missing" }]);
  });
  it("misses a whole record that was written anew, by a hash from a ticket", async () => {
    const { hash } = await add({ time: "5" });
    rmSync(join(stateDir, "record"), { recursive: true });
    await add({ time: "forged" });
    const text = await readRecord(stateDir, STACK);
    expect(text.problems).toEqual([]);
    expect(() => verified(text, hash)).toThrow(/no line with the hash/);
  });
  it("is said not to be there for a stack that has none", async () => {
    await expect(readRecord(stateDir, "other")).rejects.toThrow(/no record of other/);
  });

  it("survives a process that was killed while it wrote: half a line is no entry, a head one behind is none missing", async () => {
    const before = readFileSync(files().head, "utf8");
    appendFileSync(files().lines, '{"seq":5,"prev');
    expect(await problems()).toEqual([]);
    await add({ time: "5" });
    expect(await problems()).toEqual([]);
    // killed between line and head
    writeFileSync(files().head, before);
    expect(await problems()).toEqual([]);
    await add({ time: "6" });
    expect((await readRecord(stateDir, STACK)).lines).toHaveLength(6);
    expect(await problems()).toEqual([]);
  });

  it("has every entry of several processes at once, none inside another", { timeout: 60_000 }, async () => {
    const script = `import { append } from ${JSON.stringify(join(import.meta.dirname, "../../operations/record/store.ts"))};
      for (let n = 0; n < 10; n += 1) await append(${JSON.stringify(stateDir)}, "${STACK}", { time: process.argv.at(-1) + "-" + n }, () => undefined);`;
    const processes = ["a", "b", "c"].map((name) =>
      spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script, name], { stdio: "inherit" }),
    );
    const ends = await Promise.all(processes.map(async (child) => (await once(child, "exit"))[0] as number));
    expect(ends).toEqual([0, 0, 0]);
    const { lines, problems: found } = await readRecord(stateDir, STACK);
    expect(found).toEqual([]);
    expect(lines).toHaveLength(34);
    const times = lines.map((line) => (JSON.parse(line) as { time: string }).time);
    for (const name of ["a", "b", "c"])
      expect(times.filter((time) => time.startsWith(`${name}-`))).toEqual(Array.from({ length: 10 }, (_, n) => `${name}-${n}`)); // prettier-ignore
  });
});

/** Outputs of one gateway with one key. */
function outputs(generation: string, fingerprint: string): StackOutputs {
  const gateway = {
    environment: "live",
    generation,
    previousGeneration: "g-0",
    health: "ready",
    agents: { research: {} },
  };
  const line = {
    track: "provider",
    principal: "team-a/research",
    provider: "anthropic",
    gateway: "team-a",
    fingerprint,
  };
  return { nodes: { box: { gateways: { "team-a": gateway } } }, ledger: [line] } as unknown as StackOutputs;
}

const input = (changes: Partial<EntryInput>): EntryInput => ({
  time: new Date("2026-11-24T00:00:00Z"),
  operator: "jo@desk",
  stack: STACK,
  action: "up",
  change: null,
  before: outputs("g-1", "old"),
  after: outputs("g-2", "new"),
  policy: { advisory: [] },
  failures: [],
  ...changes,
});

describe("an entry", () => {
  it("says what changed by fingerprint, what it reached, and the way back", () => {
    expect(entryOf(input({}))).toMatchObject({
      outcome: "done",
      gateways: [{ gateway: "team-a", generation: { before: "g-1", after: "g-2" }, health: { before: "ready", after: "ready" }, rollbackPoint: "g-0" }],
      credentials: [{ credential: "team-a/research, anthropic", before: "old", after: "new" }],
      blastRadius: { nodes: 1, gateways: 1, agents: 1, environments: ["live"] },
    }); // prettier-ignore
  });
  it("is 'unchanged' where nothing differs, 'failed' with its failures", () => {
    expect(entryOf(input({ after: outputs("g-1", "old") }))).toMatchObject({ outcome: "unchanged", gateways: [] });
    const failures = [{ code: "gate", message: "m", fix: "f" }];
    expect(entryOf(input({ after: null, failures }))).toMatchObject({
      outcome: "failed",
      failures: [{ code: "gate" }],
    });
  });
  it("knows what comes and what goes", () => {
    expect(entryOf(input({ before: null })).credentials).toMatchObject([{ before: null, after: "new" }]);
    expect(entryOf(input({ after: null })).gateways).toMatchObject([{ generation: { before: "g-1", after: null } }]);
  });
});

describe("a recorded run", () => {
  const stack = {
    name: STACK,
    get stateDir() {
      return stateDir;
    },
    outputs: () => Promise.resolve(outputs("g-1", "old")),
    settings: () => Promise.resolve({}),
  } as unknown as GatehouseStack;
  const entries = async () => lastEntries(await readRecord(stateDir, STACK), 10);

  it("is on record with what it was before, also when it fails half way", async () => {
    const { value, record } = await recorded(stack, "up", quiet, async (begun) => {
      await begun();
      return { value: 7, outputs: outputs("g-2", "new"), report: { policyViolations: [] } };
    });
    expect(value).toBe(7);
    const failing = recorded(stack, "rotate", quiet, async (begun) => {
      await begun({ credential: "x" });
      throw OperationError.of("gate", "it did not start", "look");
    });
    await expect(failing).rejects.toThrow("it did not start");
    const [done, failed] = await entries();
    expect(done).toMatchObject({ action: "up", outcome: "done", hash: record.hash, gateways: [{ gateway: "team-a" }] });
    expect(failed).toMatchObject({ outcome: "failed", detail: { credential: "x" }, failures: [{ code: "gate" }] });
    const shown = [done, failed].flatMap((entry) => entry ?? []);
    for (const text of [recordText(shown), recordMarkdown(shown)])
      for (const part of ["g-1 -> g-2", "old -> new", "roll back to g-0", "[gate]", record.hash, lineHash("")].slice(
        0,
        5,
      ))
        expect(text).toContain(part);
  });
  it("leaves no entry when it was refused before it began", async () => {
    await expect(recorded(stack, "up", quiet, () => Promise.reject(new Error("policy")))).rejects.toThrow("policy");
    await expect(entries()).rejects.toThrow(/no record/);
  });
});
