import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayHome } from "../../node/lib/gateway-home.ts";
import { nodePaths } from "../../node/lib/paths.ts";
import { exposition } from "../../node/metrics/exposition.ts";
import { collect } from "../../node/metrics/collect.ts";
import type { Observation } from "../../node/metrics/observe.ts";
import { metricsDifferences, placeMetrics, removeMetrics } from "../../node/metrics/place.ts";
import { samplesOf } from "../../node/metrics/samples.ts";
import { emptyState } from "../../node/metrics/state.ts";
import type { Context } from "../../node/phase.ts";
import type { LogEntry, LogStart, Services } from "../../node/platform/services.ts";
import type { MetricsSettings } from "../../node/protocol.ts";
import { promtool, promtoolIsThere } from "../promtool.ts";

const FAILED = "06:26:08 [ws] unauthorized conn=a peer=b ua=n/a reason=token_mismatch guidance=unauthorized";
const SETTINGS: MetricsSettings = {
  intervalSeconds: 60,
  environment: "prod",
  credentials: [
    { variable: "OPENCLAW_GATEWAY_TOKEN", agent: null, provider: null, rotateEveryDays: 90 },
    {
      variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY",
      agent: "research",
      provider: "anthropic",
      rotateEveryDays: 30,
    },
  ],
};
const RECORD = { gateway: "team-a", unit: "openclaw-gateway.service", settings: SETTINGS };

let root: string;
let log: (LogEntry | null)[];
let readable: boolean;
let starts: LogStart[];
let jobs: string[];
let said: string[];

const home = () => gatewayHome(join(root, "home"));
const textfile = () => join(root, "var/lib/gatehouse-metrics/team-a/metrics.prom");

/** A log whose position is the number of entries that were read. */
function contextOf(): Context {
  const services: Partial<Services> = {
    repeat: ({ name, everySeconds, argv }) => {
      jobs.push(`${name} ${everySeconds} ${argv.join(" ")}`);
      return Promise.resolve();
    },
    stopRepeating: (name) => {
      jobs.push(`stop ${name}`);
      return Promise.resolve();
    },
    repeatDifferences: () => Promise.resolve([]),
    readLog: (_unit, start, take) => {
      starts.push(start);
      if (!readable) return Promise.reject(new Error("no journal"));
      log.slice("position" in start ? Number(start.position) : 0).forEach(take);
      return Promise.resolve(log.length === 0 ? null : String(log.length));
    },
  };
  return {
    platform: { services } as unknown as Context["platform"],
    paths: nodePaths(root),
    progress: (line) => said.push(line),
    signal: new AbortController().signal,
    asUser: () => Promise.reject(new Error("not here")),
    programFile: "/opt/gatehouse/program/x/gatehouse-node.mjs",
  };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gatehouse-metrics-"));
  mkdirSync(join(root, "home/.gatehouse"), { recursive: true });
  mkdirSync(join(root, "var/lib/gatehouse-metrics/team-a"), { recursive: true });
  [log, readable, starts, jobs, said] = [[], true, [], [], []];
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const failures = async (): Promise<number | undefined> => {
  const samples = await collect(home(), contextOf());
  return samples.gatehouse_gateway_auth_failures_total?.find(({ labels }) => labels["reason"] === "token_mismatch")
    ?.value;
};
const sourceUp = async (source: string) =>
  (await collect(home(), contextOf())).gatehouse_metrics_source_up?.find(({ labels }) => labels["source"] === source)
    ?.value;

describe("a collection", () => {
  beforeEach(() => placeMetrics(home(), RECORD, contextOf()));

  it("reads on where the last one ended, and counts nothing twice", async () => {
    expect(await failures()).toBe(0);
    log.push({ text: FAILED }, { text: "06:26:09 [gateway] ready" });
    expect([await failures(), await failures()]).toEqual([1, 1]);
    log.push({ text: FAILED });
    expect(await failures()).toBe(2);
    expect(starts.map((start) => ("position" in start ? start.position : "since"))).toEqual([
      "since",
      "since",
      "2",
      "2",
    ]);
  });

  it("counts what a killed one did not write down, once", async () => {
    log.push({ text: FAILED });
    // killed before the state: the file is the one of before
    const before = readFileSync(home().metricsState);
    await failures();
    writeFileSync(home().metricsState, before);
    expect(await failures()).toBe(1);
    // killed after the state and before the textfile
    const text = readFileSync(textfile(), "utf8");
    rmSync(textfile());
    const leftover = ".gatehouse-tmp-1-00000000";
    for (const directory of [home().metrics, join(textfile(), "..")]) writeFileSync(join(directory, leftover), "");
    expect(await failures()).toBe(1);
    expect([...readdirSync(home().metrics), ...readdirSync(join(textfile(), ".."))]).not.toContain(leftover);
    expect(readFileSync(textfile(), "utf8").split("\n").length).toBe(text.split("\n").length);
  });

  it("keeps its counts and says so when the log can't be read", async () => {
    log.push({ text: FAILED });
    expect([await failures(), await sourceUp("journal")]).toEqual([1, 1]);
    readable = false;
    log.push({ text: FAILED });
    expect([await failures(), await sourceUp("journal")]).toEqual([1, 0]);
    readable = true;
    expect([await failures(), await sourceUp("journal")]).toEqual([2, 1]);
  });

  it("begins anew, and counts no old line, when its state is damaged", async () => {
    log.push({ text: FAILED });
    await failures();
    writeFileSync(home().metricsState, '{"starts": -1}');
    await failures();
    expect(said.join("\n")).toContain("was damaged");
    const last = starts.at(-1);
    expect(last !== undefined && "since" in last && Date.now() - last.since.getTime() < 60_000).toBe(true);
    expect(readdirSync(home().metrics)).toContain("state.json.damaged");
  });

  it("says of a gateway without a generation that it is not up, and invents no value", async () => {
    const samples = await collect(home(), contextOf());
    expect(samples.gatehouse_gateway_up).toEqual([{ labels: { gateway: "team-a" }, value: 0 }]);
    expect(samples.gatehouse_credential_degraded).toEqual([]);
    expect(samples.gatehouse_credential_age_seconds).toEqual([]);
    expect(samples.gatehouse_drift_deviations).toEqual([]);
    expect([await sourceUp("generation"), await sourceUp("process"), await sourceUp("drift")]).toEqual([0, 0, 0]);
  });

  it("writes a textfile that everybody may read, and a state that nobody else may", async () => {
    await collect(home(), contextOf());
    expect(statSync(textfile()).mode & 0o777).toBe(0o644);
    expect(statSync(home().metricsState).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(textfile(), ".."))).toEqual(["metrics.prom"]);
  });
});

describe("where metrics are collected", () => {
  it("begins with a timer, keeps counts over a change of settings, and ends without a trace", async () => {
    await placeMetrics(home(), RECORD, contextOf());
    log.push({ text: FAILED });
    await failures();
    const changed = { ...RECORD, settings: { ...SETTINGS, intervalSeconds: 300 } };
    expect(await metricsDifferences(home(), changed, contextOf())).toEqual([`${home().metricsSettings} differs`]);
    await placeMetrics(home(), changed, contextOf());
    expect(await metricsDifferences(home(), changed, contextOf())).toEqual([]);
    expect(await failures()).toBe(1);
    expect(jobs).toEqual([
      "gatehouse-metrics 60 /opt/gatehouse/program/x/gatehouse-node collect-metrics",
      "gatehouse-metrics 300 /opt/gatehouse/program/x/gatehouse-node collect-metrics",
    ]);
    expect((await metricsDifferences(home(), null, contextOf())).length).toBe(1);
    await removeMetrics(home(), "team-a", contextOf());
    expect(jobs.at(-1)).toBe("stop gatehouse-metrics");
    expect([...readdirSync(home().gatehouse), ...readdirSync(join(textfile(), ".."))]).toEqual([]);
    await expect(collect(home(), contextOf())).rejects.toMatchObject({ code: "metrics-off" });
    expect((await metricsDifferences(home(), RECORD, contextOf())).length).toBe(1);
  });
});

describe("the text format", () => {
  const observed: Observation = {
    time: "2026-11-27T06:00:00.000Z",
    ready: true,
    live: { generation: "g-0123456789abcdef", openclawVersion: "2026.9.6", certificateEnd: "2027-11-27T06:00:00.000Z" },
    carried: new Map([
      ["OPENCLAW_GATEWAY_TOKEN", true],
      ["OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", false],
    ]),
    rotated: new Map([["OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", "2026-11-26T06:00:00.000Z"]]),
    drift: { mode: 2, owner: 0 },
    sources: { journal: true, generation: true, process: true, ledger: true, drift: true },
  };
  const state = {
    ...emptyState(new Date(0)),
    gatewayFailures: { 'odd"\\reason': 3 },
    refusedRequests: { "anthropic\n403": 1 },
  };
  const text = exposition(samplesOf("team-a", SETTINGS, state, observed));

  it("has each metric once, and its values", () => {
    const types = text.match(/^# TYPE \S+/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
    for (const line of [
      'gatehouse_gateway_auth_failures_total{gateway="team-a",reason="token_mismatch"} 0',
      'gatehouse_gateway_auth_failures_total{gateway="team-a",reason="odd\\"\\\\reason"} 3',
      'gatehouse_provider_auth_failures_total{gateway="team-a",agent="research",provider="anthropic",reason="auth"} 0',
      'gatehouse_provider_refused_requests_total{gateway="team-a",provider="anthropic",status="403"} 1',
      'gatehouse_credential_degraded{gateway="team-a",track="gateway",agent="",provider=""} 0',
      'gatehouse_credential_degraded{gateway="team-a",track="provider",agent="research",provider="anthropic"} 1',
      'gatehouse_credential_age_seconds{gateway="team-a",track="provider",agent="research",provider="anthropic"} 86400',
      `gatehouse_credential_rotation_due_timestamp_seconds{gateway="team-a",track="provider",agent="research",provider="anthropic"} ${Date.parse("2026-12-26T06:00:00Z") / 1000}`,
      'gatehouse_drift_deviations{gateway="team-a",kind="mode"} 2',
    ])
      expect(text.split("\n")).toContain(line);
    expect(text).not.toContain('gatehouse_credential_age_seconds{gateway="team-a",track="gateway"');
  });

  it("says that a reported secret is degraded, also where the process can't be looked at", () => {
    const reported = { ...emptyState(new Date(0)), degraded: ["anthropic:research"] };
    const { gatehouse_credential_degraded: found } = samplesOf("team-a", SETTINGS, reported, { ...observed, carried: null }); // prettier-ignore
    expect(found?.map(({ value }) => value)).toEqual([1]);
  });

  it.skipIf(!promtoolIsThere())("is taken by the official parser, which takes not everything", () => {
    expect(promtool(["check", "metrics"], text)).toEqual({ status: 0, text: "" });
    expect(promtool(["check", "metrics"], text.replace("} 3", "} three")).status).not.toBe(0);
    expect(promtool(["check", "metrics"], `${text}# TYPE gatehouse_gateway_up counter\n`).status).not.toBe(0);
  });
});
