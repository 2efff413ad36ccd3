import type { LaunchedCredential } from "../../node/launch/record.ts";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasNewToken, nextIssued, recordIssued } from "../../node/generation/issued.ts";
import { gatewayHome, type GatewayHome } from "../../node/lib/gateway-home.ts";

const [spring, summer, autumn] = ["03", "06", "09"].map((month) => new Date(`2026-${month}-01T00:00:00Z`)) as [
  Date,
  Date,
  Date,
];
const T = (date: Date): string => date.toISOString();

describe("the age of what a gateway serves with", () => {
  const known = nextIssued([], [{ variable: "A", fingerprint: "1" }], spring);

  it("begins with its first confirmation", () => {
    expect(known).toEqual([{ variable: "A", fingerprint: "1", issued: T(spring), rotated: T(spring) }]);
  });

  it("stays while the value does", () => {
    expect(nextIssued(known, [{ variable: "A", fingerprint: "1" }], summer)).toEqual(known);
  });

  it("begins anew with another value, but was issued when it was issued", () => {
    expect(nextIssued(known, [{ variable: "A", fingerprint: "2" }], summer)).toEqual([
      {
        variable: "A",
        fingerprint: "2",
        issued: T(spring),
        rotated: T(summer),
        earlier: [{ fingerprint: "1", rotated: T(spring) }],
      },
    ]);
  });

  it("is that of the value where an earlier one comes back, and again where the later one does", () => {
    const rotated = nextIssued(known, [{ variable: "A", fingerprint: "2" }], summer);
    const back = nextIssued(rotated, [{ variable: "A", fingerprint: "1" }], autumn);
    expect(back).toMatchObject([{ fingerprint: "1", rotated: T(spring) }]);
    expect(nextIssued(back, [{ variable: "A", fingerprint: "2" }], autumn)).toMatchObject([
      { fingerprint: "2", rotated: T(summer), earlier: [{ fingerprint: "1" }] },
    ]);
  });

  it("is forgotten with the variable", () => {
    const without = nextIssued(known, [{ variable: "B", fingerprint: "1" }], summer);
    expect(without.map(({ variable }) => variable)).toEqual(["B"]);
    expect(nextIssued(without, [{ variable: "A", fingerprint: "1" }], summer)).toMatchObject([{ issued: T(summer) }]);
  });
});

describe("its record", () => {
  let directory: string;
  let home: GatewayHome;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-issued-"));
    home = gatewayHome(directory);
    await mkdir(home.gatehouse);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const manifest = {
    tokenVariable: "TOKEN",
    tokenFingerprint: "t1",
    agents: [{ id: "research", credentials: [{ provider: "anthropic", variable: "KEY", fingerprint: "k1" }] }],
  };
  const record = (date: Date, launched: readonly LaunchedCredential[] = []) =>
    recordIssued(home, manifest, launched, date);

  it("has the token and every key, is private, and keeps its dates", async () => {
    const first = await record(spring);
    expect(first.map(({ variable, fingerprint }) => [variable, fingerprint])).toEqual([
      ["TOKEN", "t1"],
      ["KEY", "k1"],
    ]);
    expect((await stat(home.issued)).mode & 0o777).toBe(0o600);
    expect(await record(summer)).toEqual(first);
    expect(JSON.parse(await readFile(home.issued, "utf8"))).toEqual(first);
  });

  it("dates a key that the node reads by its reference and version", async () => {
    const launched = (version: string | null) => [{ variable: "READ", reference: "vault://kv/a#b", version }];
    const read = async (date: Date, version: string | null) =>
      (await record(date, launched(version))).find(({ variable }) => variable === "READ");
    const dates = (issued: Date, rotated: Date) => ({ issued: issued.toISOString(), rotated: rotated.toISOString() });
    expect(await read(spring, "1")).toMatchObject(dates(spring, spring));
    expect(await read(summer, "1")).toMatchObject(dates(spring, spring));
    expect(await read(summer, "2")).toMatchObject(dates(spring, summer));
    expect((await record(summer)).map(({ variable }) => variable)).toEqual(["TOKEN", "KEY"]);
    expect(await read(summer, null)).toMatchObject(dates(summer, summer));
  });

  it("tells a rotated token from the first one and from the same one", async () => {
    expect(await hasNewToken(home, manifest)).toBe(false);
    await record(spring);
    expect(await hasNewToken(home, manifest)).toBe(false);
    expect(await hasNewToken(home, { ...manifest, tokenFingerprint: "t2" })).toBe(true);
  });

  it("is refused when it is damaged: a missing date never counts as young", async () => {
    await writeFile(home.issued, '[{"variable":"A","fingerprint":"1"}]');
    await expect(record(summer)).rejects.toMatchObject({ code: "damaged-state" });
  });
});
