import { describe, expect, it } from "vitest";
import { startsSince, type Load, type Moment } from "../../node/platform/darwin/starts.ts";

const moment = (runs: number, changes: Partial<Moment> = {}): Moment => ({
  boot: "A",
  runs,
  pid: runs === 0 ? 0 : 100 + runs,
  ...changes,
});
const load = (runs: number, changes: Partial<Load> = {}): Load => ({ boot: "A", runs, marked: false, ...changes });
const steady = (last: Load | null, now: Moment, marks: boolean) => startsSince(last, [now, now], marks);

describe("starts by launchd's counter", () => {
  it.each([
    ["a process that runs on", load(1), moment(1), false, 0, 0],
    ["one that launchd started again", load(1), moment(4), false, 0, 3],
    ["one that root loaded", load(3), moment(1), true, 0, 0],
    ["one that root loaded and launchd started again", load(1), moment(3), true, 0, 2],
    ["one that a hand loaded", load(3), moment(1), false, 1, 0],
    ["one that a hand loaded after it was taken out", load(0), moment(2), false, 1, 1],
    ["one that a boot loaded", load(1), moment(1, { boot: "B" }), false, 1, 0],
    ["one that root loaded before a boot did", load(1), moment(1, { boot: "B" }), true, 1, 0],
    ["one that is not loaded", load(4), moment(0), false, 0, 0],
    ["one whose mark was read before it was loaded", load(0, { marked: true }), moment(1), false, 0, 0],
    ["the first reading, with what was before", null, moment(7), false, 0, 0],
    ["the first reading, with a mark", null, moment(2), true, 0, 1],
    ["a boot that the system does not name, by the counter", load(3), moment(1, { boot: null }), false, 1, 0],
    ["a boot that is named for the first time", load(2, { boot: null }), moment(2), false, 0, 0],
  ])("%s", (_name, last, now, marks, loads, restarts) => {
    expect(steady(last, now, marks).starts).toEqual({ loads, restarts });
  });
  it("wait for the next reading while it is being started", () => {
    const torn = startsSince(load(5), [moment(5), moment(1, { pid: 9 })], true);
    expect(torn).toEqual({ starts: { loads: 0, restarts: 0 }, load: load(5, { marked: true }) });
    expect(steady(torn.load, moment(1), false).starts).toEqual({ loads: 0, restarts: 0 });
    // the mark came after the lines were read: it is in the next reading
    const before = startsSince(load(5), [moment(5), moment(1, { pid: 9 })], false);
    expect(steady(before.load, moment(1), true).starts).toEqual({ loads: 0, restarts: 0 });
    // and a process that launchd itself started meanwhile
    const again = startsSince(load(1), [moment(1), moment(2)], false);
    expect(steady(again.load, moment(2), false).starts).toEqual({ loads: 0, restarts: 1 });
  });
  it("of the first reading wait, too, and count nothing of before", () => {
    expect(startsSince(null, [moment(5), moment(6)], false).load).toBeNull();
    const marked = startsSince(null, [moment(0), moment(1)], true);
    expect(steady(marked.load, moment(1), false).starts).toEqual({ loads: 0, restarts: 0 });
  });
  it("forget a mark that a boot overtook", () => {
    const pending = steady(load(1), moment(0), true);
    expect(pending.load).toEqual(load(0, { marked: true }));
    const booted = steady(pending.load, moment(0, { boot: "B" }), false);
    expect(steady(booted.load, moment(1, { boot: "B" }), false).starts).toEqual({ loads: 1, restarts: 0 });
  });
});
