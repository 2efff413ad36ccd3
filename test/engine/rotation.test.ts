import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LedgerLine } from "../../operations/outputs.ts";
import { canaryKey, FleetBench, type GatewayInput } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEYS = { "team-a-research": canaryKey(), "team-a-token": canaryKey() } as const;

describe.skipIf(!(await nodesCanRun()))("rotation", () => {
  let bench: FleetBench;
  let first: readonly LedgerLine[];
  beforeAll(async () => {
    bench = await FleetBench.start("test-rotation", KEYS);
    Object.assign(bench.secrets, KEYS);
  }, START_MS);
  afterAll(() => bench.stop());

  const fleet = (changes: Partial<GatewayInput> = {}) =>
    bench.fleet([bench.gateway("team-a", 0, ["research"], { token: "pulumi://team-a-token", ...changes })]);
  const line = (ledger: readonly LedgerLine[], track: LedgerLine["track"]): LedgerLine => {
    const found = ledger.find((entry) => entry.track === track);
    if (found === undefined) throw new Error(`no line of the ${track} track`);
    return found;
  };

  it("begins with every credential issued to its principal, with its date", async () => {
    first = (await bench.up("rotation", fleet())).outputs.ledger;
    expect(first).toMatchObject([
      { track: "gateway", principal: "team-a", ref: "pulumi://team-a-token", variable: "OPENCLAW_GATEWAY_TOKEN" },
      { track: "provider", principal: "team-a/research", provider: "anthropic", ref: "pulumi://team-a-research" },
    ]);
    for (const { issued, rotated, due } of first) {
      expect(issued).toBe(rotated);
      expect(Date.parse(due ?? "") - Date.parse(rotated ?? "")).toBe(90 * 24 * 60 * 60 * 1000);
    }
  });

  it("of one key dates that key, and no other credential", async () => {
    bench.secrets["team-a-research"] = canaryKey();
    const { ledger } = (await bench.up("rotation", fleet())).outputs;
    expect(line(ledger, "gateway")).toEqual(line(first, "gateway"));
    const [before, after] = [line(first, "provider"), line(ledger, "provider")];
    expect(after).toMatchObject({ issued: before.issued, variable: before.variable });
    expect(after.fingerprint).not.toBe(before.fingerprint);
    expect(Date.parse(after.rotated ?? "")).toBeGreaterThan(Date.parse(before.rotated ?? ""));
  });

  it("of token and key together is refused at preview, before the node is contacted", async () => {
    bench.secrets["team-a-research"] = canaryKey();
    bench.secrets["team-a-token"] = canaryKey();
    const logins = await bench.logins();
    const error = await bench.failedUp("rotation", fleet());
    expect(error.failures.length).toBe(1);
    expect(error.message).toContain("gateway 'team-a': this update changes the gateway token and the provider keys");
    expect(error.message).toContain("research/anthropic");
    expect(error.fix).toContain("rotateTogether");
    expect(await bench.logins()).toBe(logins);
  });

  it("of both passes when the change says why, and the reason is on record", async () => {
    const change = {
      ticket: "SEC-1",
      window: { from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z" },
      blastRadius: "team-a",
      rollbackPoint: "none: the old values are burnt",
      rotateTogether: { reason: "laptop stolen" },
    };
    const { ledger } = (await bench.up("rotation", fleet({ change }))).outputs;
    for (const { issued, rotated } of ledger) expect(rotated).not.toBe(issued);
    expect(await bench.operatorBytes()).toContain("laptop stolen");
  });

  it("is listed by `gatehouse credentials`, without a secret", async () => {
    const args = ["bin/gatehouse", "credentials", "--stack", "rotation", "--state-dir", bench.stateDir];
    const [json, text] = await Promise.all(
      [["--json", "--due-within", "365"], []].map((more) =>
        promisify(execFile)("sh", [...args, ...more], { cwd: ROOT }),
      ),
    );
    const { credentials } = JSON.parse(json?.stdout ?? "") as { credentials: { age: string }[] };
    expect(credentials.map(({ age }) => age)).toEqual(["due", "due"]);
    expect(text?.stdout).toContain("team-a/research");
    for (const secret of Object.values(bench.secrets)) {
      for (const shown of [json, text]) expect(`${shown?.stdout}${shown?.stderr}`).not.toContain(secret);
    }
  });
});
