import { existsSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, mkdirSync } from "node:fs"; // prettier-ignore
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listGenerations, liveGeneration, pruneGenerations, readGeneration, requireGeneration, setLiveGeneration, stageGeneration } from "../../node/generation/store.ts"; // prettier-ignore
import type { StoredGeneration } from "../../node/generation/store.ts";
import { EXIT } from "../../node/protocol.ts";
import { clearJournal, readJournal, writeJournal, type Journal } from "../../node/switch/journal.ts";
import { linuxUnitFiles } from "../../node/platform/linux/unit-files.ts";
import { configMeaning, liveConfigMatches, liveDifferences, placeLiveFiles, removeLiveFiles } from "../../node/switch/live-files.ts"; // prettier-ignore
import { damage, failureOf, nameOf, SwitchBench, UNIT } from "./switch-fixture.ts";

const [FIRST, SECOND, THIRD] = [nameOf("1"), nameOf("2"), nameOf("3")];
const FILES = ["gateway.env", "manifest.json", "openclaw-gateway.service", "openclaw.json", "secrets-plan.json"];

let bench: SwitchBench;
beforeEach(async () => {
  bench = await SwitchBench.start();
});
afterEach(() => {
  bench.stop();
});

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const stage = (name: string) => stageGeneration(bench.home, bench.generation(name));
const below = (name: string, file = ""): string => join(bench.home.generations, name, file);
/** Makes the manifest so many seconds old. */
const aged = (name: string, seconds: number): void => {
  const time = new Date(Date.now() - seconds * 1000);
  utimesSync(below(name, "manifest.json"), time, time);
};

describe("a staged generation", () => {
  it("reads as it was staged, for its owner alone", async () => {
    await stage(FIRST);
    expect(await readGeneration(bench.home, FIRST)).toEqual(bench.generation(FIRST));
    expect(modeOf(below(FIRST))).toBe("700");
    for (const file of FILES) expect(modeOf(below(FIRST, file)), file).toBe("600");
  });
  it("is left as it is the second time", async () => {
    await stage(FIRST);
    const inodes = FILES.map((file) => statSync(below(FIRST, file)).ino);
    await stage(FIRST);
    expect(FILES.map((file) => statSync(below(FIRST, file)).ino)).toEqual(inodes);
  });
  it.each(FILES)("is no generation without its %s, and is completed by the next run", async (file) => {
    await stage(FIRST);
    rmSync(below(FIRST, file));
    expect(await readGeneration(bench.home, FIRST)).toBeNull();
    const failure = await failureOf(requireGeneration(bench.home, FIRST));
    expect(failure).toMatchObject({ layer: "config or disk", code: "generation-missing" });
    await stage(FIRST);
    expect(await readGeneration(bench.home, FIRST)).toEqual(bench.generation(FIRST));
  });
  it.each(FILES)("whose %s was changed is made equal again, 0600", async (file) => {
    await stage(FIRST);
    damage(below(FIRST, file));
    await stage(FIRST);
    expect(await readGeneration(bench.home, FIRST)).toEqual(bench.generation(FIRST));
    expect(modeOf(below(FIRST, file))).toBe("600");
  });
  it("that is damaged says so, and shows none of its content", async () => {
    await stage(FIRST);
    writeFileSync(below(FIRST, "manifest.json"), '{"token":"sk-canary"}');
    const failure = await failureOf(readGeneration(bench.home, FIRST));
    expect(failure).toMatchObject({ layer: "config or disk", code: "damaged-state" });
    expect(failure.message).not.toContain("canary");
  });
  it("is none at all before it is there", async () => {
    expect(await readGeneration(bench.home, FIRST)).toBeNull();
    expect(await liveGeneration(bench.home)).toBeNull();
    rmSync(bench.home.generations, { recursive: true });
    expect(await listGenerations(bench.home)).toEqual([]);
  });
});

describe("a generation with HTTPS", () => {
  const PEMS = { certificate: "certificate.pem", certificateKey: "key.pem", authority: "authority.pem" } as const;
  const secure = (): StoredGeneration => {
    const { manifest, files } = bench.generation(SECOND);
    const https = { fingerprint: "AB:CD", notAfter: "2027-01-01T00:00:00.000Z" };
    return {
      manifest: { ...manifest, https },
      files: { ...files, certificate: "C", certificateKey: "K", authority: "A" },
    };
  };
  const live = (name: string): string => join(bench.home.tls, name);

  it("reads as it was staged, its key for its owner alone", async () => {
    await stageGeneration(bench.home, secure());
    expect(await readGeneration(bench.home, SECOND)).toEqual(secure());
    for (const file of Object.values(PEMS)) expect(modeOf(below(SECOND, file)), file).toBe("600");
  });

  it.each(Object.values(PEMS))("is no generation without its %s", async (file) => {
    await stageGeneration(bench.home, secure());
    rmSync(below(SECOND, file));
    expect(await readGeneration(bench.home, SECOND)).toBeNull();
  });

  it("puts key, certificate and authority where the vendor reads them, and takes them away with it", async () => {
    await placeLiveFiles(bench.home, secure(), ["settle"], linuxUnitFiles);
    expect(modeOf(bench.home.tls)).toBe("700");
    for (const [field, file] of Object.entries(PEMS)) {
      expect(readFileSync(live(file), "utf8")).toBe(secure().files[field as keyof typeof PEMS]);
      expect(modeOf(live(file))).toBe("600");
    }
    expect(await liveDifferences(bench.home, secure(), linuxUnitFiles)).toEqual([]);
    await placeLiveFiles(bench.home, bench.generation(FIRST), ["settle"], linuxUnitFiles);
    for (const file of Object.values(PEMS)) expect(existsSync(live(file)), file).toBe(false);
  });

  it.each(Object.values(PEMS))("differs when its live %s is another or gone", async (file) => {
    await placeLiveFiles(bench.home, secure(), ["settle"], linuxUnitFiles);
    damage(live(file));
    expect(await liveDifferences(bench.home, secure(), linuxUnitFiles)).toEqual(["certificate"]);
    rmSync(live(file));
    expect(await liveDifferences(bench.home, secure(), linuxUnitFiles)).toEqual(["certificate"]);
  });

  it("leaves no key behind when the gateway is removed", async () => {
    await placeLiveFiles(bench.home, secure(), ["settle"], linuxUnitFiles);
    await removeLiveFiles(bench.home, UNIT, linuxUnitFiles);
    for (const file of Object.values(PEMS)) expect(existsSync(live(file)), file).toBe(false);
  });
});

describe("the generations that are kept", () => {
  beforeEach(async () => {
    for (const [age, name] of [THIRD, SECOND, FIRST].entries()) {
      await stage(name);
      aged(name, 10 * (age + 1));
    }
  });
  it("are listed by when they were live, the last one first", async () => {
    expect(await listGenerations(bench.home)).toEqual([THIRD, SECOND, FIRST]);
    await setLiveGeneration(bench.home, FIRST);
    expect(readlinkSync(bench.home.current)).toBe(`generations/${FIRST}`);
    expect(await liveGeneration(bench.home)).toBe(FIRST);
    expect(await listGenerations(bench.home)).toEqual([FIRST, THIRD, SECOND]);
  });
  it.each([
    [3, [], [THIRD, SECOND, FIRST]],
    [2, [], [THIRD, SECOND]],
    [2, [FIRST], [FIRST, THIRD]],
    [2, [FIRST, null], [FIRST, THIRD]],
    [2, [FIRST, SECOND], [SECOND, FIRST]],
    [2, [FIRST, SECOND, THIRD], [THIRD, SECOND, FIRST]],
  ])("are %i with %j needed: %j", async (keep, needed, kept) => {
    expect(await pruneGenerations(bench.home, keep, needed)).toEqual(kept);
    expect((await listGenerations(bench.home)).toSorted()).toEqual(kept.toSorted());
  });
  it("do not include a half-written one as long as there are better ones", async () => {
    rmSync(below(THIRD, "manifest.json"));
    expect(await pruneGenerations(bench.home, 2, [])).toEqual([SECOND, FIRST]);
    expect(existsSync(below(THIRD))).toBe(false);
  });
});

describe("the journal", () => {
  const journal: Journal = { state: "switching", from: FIRST, to: SECOND, interruptionMs: 0 };
  it("reads as it was written, 0600, until it is cleared", async () => {
    expect(await readJournal(bench.home)).toBeNull();
    await writeJournal(bench.home, journal);
    expect(await readJournal(bench.home)).toEqual(journal);
    expect(modeOf(bench.home.switchJournal)).toBe("600");
    await clearJournal(bench.home);
    expect(await readJournal(bench.home)).toBeNull();
    await clearJournal(bench.home);
  });
  it.each([
    ["cut off", '{"state":"switching","to":"g-'],
    ["of another program", '{"state":"switching"}'],
    ["that leads elsewhere", JSON.stringify({ ...journal, to: "../../../etc" })],
  ])("%s stops everything, rather than to pretend there was none", async (_name, content) => {
    writeFileSync(bench.home.switchJournal, content);
    expect(await failureOf(readJournal(bench.home))).toMatchObject({ code: "damaged-state", exit: EXIT.software });
  });
});

describe("what a configuration means", () => {
  it("does not depend on spelling, order or the vendor's notes", () => {
    const text = '{"b": {"y": 1, "x": [1, {"d": 4, "c": 3}]}, "a": null, "meta": {"lastTouchedAt": "now"}}';
    expect(configMeaning(text)).toBe(configMeaning('{"a":null,"b":{"x":[1,{"c":3,"d":4}],"y":1}}'));
  });
  it.each([
    ["a value", '{"a": 1}', '{"a": 2}'],
    ["a type", '{"a": 1}', '{"a": "1"}'],
    ["the order of a list", '{"a": [1, 2]}', '{"a": [2, 1]}'],
    ["a missing member", '{"a": null}', "{}"],
    ["a list for an object", '{"a": ["x"]}', '{"a": {"0": "x"}}'],
  ])("depends on %s", (_name, left, right) => {
    expect(configMeaning(left)).not.toBe(configMeaning(right));
  });
  it("is the same for every order of members, and nothing for what is no JSON", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (config) => {
        const reversed = Object.fromEntries(Object.entries(config).reverse());
        return configMeaning(JSON.stringify(config)) === configMeaning(JSON.stringify(reversed, null, 1));
      }),
    );
    expect(configMeaning('{"a":')).toBeNull();
  });
});

describe("the live files", () => {
  const settle = ["/opt/gatehouse/program/x/gatehouse-node", "settle"];
  const place = () => placeLiveFiles(bench.home, bench.generation(FIRST), settle, linuxUnitFiles);
  const unitPath = (): string => join(bench.home.userUnits, UNIT);
  const settleUnit = (): string => join(bench.home.userUnits, "gatehouse-settle.service");
  const settleWant = (): string => join(bench.home.userUnits, "default.target.wants/gatehouse-settle.service");

  it("are the generation's, 0600 in directories 0700", async () => {
    await place();
    const { files } = bench.generation(FIRST);
    for (const [path, content] of [
      [bench.home.config, files.config],
      [bench.home.environmentFile, files.environment],
      [unitPath(), files.unit],
    ] as const) {
      // prettier-ignore
      expect(readFileSync(path, "utf8")).toBe(content);
      expect(modeOf(path)).toBe("600");
    }
    for (const path of [bench.home.openclaw, bench.home.userUnits, join(bench.home.workspaces, "research")])
      expect(modeOf(path)).toBe("700");
    expect(await liveDifferences(bench.home, bench.generation(FIRST), linuxUnitFiles)).toEqual([]);
  });
  it("come with the unit that takes an unconfirmed switch back before the gateway starts at a boot", async () => {
    await place();
    const unit = readFileSync(settleUnit(), "utf8").split("\n");
    expect(unit).toContain(`ConditionPathExists=${bench.home.switchJournal}`);
    expect(unit).toContain(`Before=${UNIT}`);
    expect(unit).toContain(`ExecStart=${settle.join(" ")} --boot`);
    expect(readlinkSync(settleWant())).toBe(settleUnit());
  });
  it("are not written again when they are right, nor for the vendor's notes", async () => {
    await place();
    const config = JSON.parse(readFileSync(bench.home.config, "utf8")) as object;
    writeFileSync(bench.home.config, JSON.stringify({ ...config, meta: { lastTouchedAt: "now" } }));
    const paths = [bench.home.config, bench.home.environmentFile, unitPath(), settleUnit()];
    const inodes = paths.map((path) => statSync(path).ino);
    await place();
    expect(paths.map((path) => statSync(path).ino)).toEqual(inodes);
    expect(await liveConfigMatches(bench.home, bench.generation(FIRST))).toBe(true);
  });
  it.each([
    ["configuration", (): string => bench.home.config],
    ["environment file", (): string => bench.home.environmentFile],
    ["unit", unitPath],
  ])("say that the %s differs, and are put right", async (name, path) => {
    await place();
    for (const spoil of [
      () => {
        damage(path());
      },
      () => {
        rmSync(path());
      },
    ]) {
      // prettier-ignore
      spoil();
      expect(await liveDifferences(bench.home, bench.generation(FIRST), linuxUnitFiles)).toEqual([name]);
      await place();
      expect(await liveDifferences(bench.home, bench.generation(FIRST), linuxUnitFiles)).toEqual([]);
    }
  });
  it("replace a link that somebody put in their place, and do not follow it", async () => {
    const target = join(bench.root, "elsewhere");
    writeFileSync(target, "kept");
    mkdirSync(bench.home.openclaw, { mode: 0o700 });
    symlinkSync(target, bench.home.environmentFile);
    await place();
    expect(readFileSync(target, "utf8")).toBe("kept");
    expect(await liveDifferences(bench.home, bench.generation(FIRST), linuxUnitFiles)).toEqual([]);
  });
  it("lose what an interrupted write left, which may hold a secret", async () => {
    await place();
    const leftovers = [bench.home.openclaw, bench.home.generations].map((path) => join(path, ".gatehouse-tmp-1-00"));
    for (const path of leftovers) writeFileSync(path, "half a key");
    await place();
    for (const path of leftovers) expect(existsSync(path)).toBe(false);
  });
  it("go without a trace of configuration or secret, and keep workspaces and state", async () => {
    await place();
    const kept = [join(bench.home.workspaces, "research", "notes"), join(bench.home.openclaw, "agents", "research", "agent", "store")]; // prettier-ignore
    for (const path of [...kept, `${bench.home.config}.bak`, `${bench.home.config}.last-good`, `${unitPath()}.bak`])
      writeFileSync(path, "x");
    await removeLiveFiles(bench.home, UNIT, linuxUnitFiles);
    for (const path of [
      bench.home.config,
      `${bench.home.config}.bak`,
      `${bench.home.config}.last-good`,
      bench.home.environmentFile,
      unitPath(),
      `${unitPath()}.bak`,
      settleUnit(),
    ])
      // prettier-ignore
      expect(existsSync(path), path).toBe(false);
    expect(() => readlinkSync(settleWant())).toThrow("ENOENT");
    for (const path of kept) expect(existsSync(path)).toBe(true);
    await removeLiveFiles(bench.home, UNIT, linuxUnitFiles);
  });
});
