import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advanced,
  entryId,
  isAfter,
  parsePosition,
  type EntryId,
  type Position,
} from "../../node/platform/linux/journal-position.ts";
import { parseEntry } from "../../node/platform/linux/journal.ts";

interface Entry {
  readonly sequence?: string;
  readonly number: number;
  readonly boot?: string;
  readonly monotonic: number;
  readonly realtime?: number;
  readonly hash?: string;
}
const hex = (value: number): string => value.toString(16);
const cursorOf = ({ sequence = "a", number, boot = "b", monotonic, realtime = 1000, hash }: Entry): string =>
  `s=${sequence.repeat(32)};i=${hex(number)};b=${boot.repeat(32)};m=${hex(monotonic)};t=${hex(realtime)};x=${hash ?? hex(number)}`;
function idOf(entry: Entry): EntryId {
  const id = entryId(cursorOf(entry));
  if (id === null) throw new Error("no cursor");
  return id;
}

/** Reads a journal as it is at this moment; which entries were new. */
function read(position: Position | null, journal: readonly Entry[]): { position: Position | null; taken: number[] } {
  return journal.reduce<{ position: Position | null; taken: number[] }>(
    (state, entry) => {
      const id = idOf(entry);
      if (!isAfter(state.position, id)) return state;
      return { position: advanced(state.position, id), taken: [...state.taken, entry.number] };
    },
    { position, taken: [] },
  );
}

describe("the position in a journal", () => {
  const first: Entry[] = [1, 2, 3].map((number) => ({ number, monotonic: number * 10 }));

  it("survives being written down", () => {
    const { position } = read(null, first);
    expect(parsePosition(JSON.stringify(position))).toEqual(position);
    expect(["", "{}", "null", '{"cursor":"x","tied":[],"earlierBoots":[]}'].map(parsePosition)).toEqual([null, null, null, null]); // prettier-ignore
  });

  it("takes nothing twice when everything is delivered again", () => {
    const { position } = read(null, first);
    expect(read(position, first).taken).toEqual([]);
    expect(read(position, [...first, { number: 4, monotonic: 30 }]).taken).toEqual([4]);
  });

  it("goes on after a rotation that left only later entries", () => {
    const { position } = read(null, first);
    expect(read(position, [{ number: 9, monotonic: 90 }]).taken).toEqual([9]);
  });

  it("does not mind a clock that goes backwards", () => {
    const { position } = read(null, first);
    expect(read(position, [{ number: 4, monotonic: 40, realtime: 1 }]).taken).toEqual([4]);
  });

  it("knows entries again that come under new numbers, also those of the same microsecond", () => {
    const tied: Entry[] = [...first, { number: 4, monotonic: 30 }];
    const { position } = read(null, tied);
    const copied = tied.map((entry) => ({
      ...entry,
      sequence: "c",
      hash: hex(entry.number),
      number: entry.number + 50,
    }));
    const later: Entry = { sequence: "c", number: 60, monotonic: 30, hash: "ff" };
    expect(read(position, [...copied, later]).taken).toEqual([60]);
  });

  it("takes a new boot whose journal begins anew, and not an old boot again", () => {
    const { position } = read(null, first);
    const reboot: Entry = { sequence: "c", boot: "d", number: 1, monotonic: 1 };
    const next = read(position, [...first.map((entry) => ({ ...entry, sequence: "c" })), reboot]);
    expect(next.taken).toEqual([1]);
    expect(
      read(
        next.position,
        first.map((entry) => ({ ...entry, sequence: "e" })),
      ).taken,
    ).toEqual([]);
  });

  it("takes each entry exactly once, whatever is delivered again", () => {
    const journal = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(journal, fc.array(fc.nat(30), { maxLength: 6 }), (steps, stops) => {
        let monotonic = 0;
        const entries = steps.map((step, index): Entry => ({ number: index + 1, monotonic: (monotonic += step) }));
        let position: Position | null = null;
        const taken: number[] = [];
        for (const stop of [...stops.sort((left, right) => left - right), entries.length]) {
          // everything from the beginning, as after a lost cursor
          const done = read(position, entries.slice(0, stop));
          position = done.position;
          taken.push(...done.taken);
        }
        expect(taken).toEqual(entries.map(({ number }) => number));
      }),
    );
  });
});

describe("an entry of journalctl", () => {
  const cursor = cursorOf({ number: 1, monotonic: 1 });
  const line = (fields: object): string => JSON.stringify({ __CURSOR: cursor, ...fields });

  it("has its text, also where it comes as bytes, and what the manager noted", () => {
    expect(parseEntry(line({ MESSAGE: "hello" }))?.entry).toEqual({ text: "hello" });
    expect(parseEntry(line({ MESSAGE: [104, 105, 27] }))?.entry).toEqual({ text: "hi\u001b" });
    const started = { MESSAGE: "Gestartet", MESSAGE_ID: "39f53479d3a045ac8e11786248231fbf" };
    expect(parseEntry(line(started))?.entry).toEqual({ text: "Gestartet", event: "started" });
    const restarted = { MESSAGE: "", MESSAGE_ID: "5eb03494b6584870a536b337290809b3" };
    expect(parseEntry(line(restarted))?.entry).toEqual({ text: "", event: "restarted" });
  });

  it.each(["", "{", "null", "[]", '"text"', "{}", '{"MESSAGE":"no cursor"}', '{"__CURSOR":"s=1","MESSAGE":"x"}'])(
    "is none when it is %j",
    (text) => {
      expect(parseEntry(text)).toBeNull();
    },
  );
  it("is none without a text", () => {
    expect(parseEntry(line({}))).toBeNull();
    expect(parseEntry(line({ MESSAGE: null }))).toBeNull();
  });
});
