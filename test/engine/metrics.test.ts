import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentTurn } from "../../demo/turn.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";
import { promtool, promtoolIsThere } from "../promtool.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEYS = { "team-a-research": canaryKey() } as const;
const USER = "oc-team-a";
const TEXTFILE = "/var/lib/gatehouse-metrics/team-a.prom";
const UNITS = `/home/${USER}/.config/systemd/user`;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

// One gateway's life in order: agent `builder` has a key that the provider refuses.
describe.skipIf(!(await nodesCanRun()))("metrics of a gateway", () => {
  let bench: FleetBench;
  let token = "";
  const printed: string[] = [];

  beforeAll(async () => {
    bench = await FleetBench.start("test-metrics", KEYS);
    Object.assign(bench.secrets, KEYS, { "team-a-builder": canaryKey() });
    const report = await bench.up("prod", bench.fleet([bench.gateway("team-a", 0, ["research", "builder"])]));
    token = report.outputs.gatewayTokens["team-a"] ?? "";
  }, START_MS);
  afterAll(() => bench.stop());

  const gatehouse = ([command = "", ...args]: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const all = ["bin/gatehouse", command, "--stack", "prod", "--state-dir", bench.stateDir, ...args];
      execFile("sh", all, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        printed.push(stdout, stderr);
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  const asUser = (command: string): Promise<string> =>
    bench.output(
      `runuser -u ${USER} -- env -i HOME=/home/${USER} XDG_RUNTIME_DIR=/run/user/$(id -u ${USER}) PATH=/usr/bin:/bin ${command}`,
    );
  const collect = () => asUser("systemctl --user start gatehouse-metrics.service");
  /** Collected now by the timer's own service: samples by their name and labels. */
  const samples = async (): Promise<ReadonlyMap<string, number>> => {
    await collect();
    const text = await bench.output(`cat ${TEXTFILE}`);
    printed.push(text);
    return new Map(
      text.split("\n").flatMap((line) => {
        const [, name, value] = /^(gatehouse_\S+) (\S+)$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, Number(value)] as const];
      }),
    );
  };
  const gatewayFailures = (reason: string) =>
    `gatehouse_gateway_auth_failures_total{gateway="team-a",reason="${reason}"}`;
  const providerFailures = (agent: string, reason: string) =>
    `gatehouse_provider_auth_failures_total{gateway="team-a",agent="${agent}",provider="anthropic",reason="${reason}"}`;
  /** All failures that are not 0, by series. */
  const failures = async (): Promise<Readonly<Record<string, number>>> =>
    Object.fromEntries(
      [...(await samples())].filter(([name, value]) => name.includes("_auth_failures_total{") && value !== 0),
    );
  const ready = () => bench.until(`curl -sf http://127.0.0.1:${bench.gateway("team-a", 0, []).port}/readyz`);
  const knock = () => bench.openclaw(USER, "gateway call health --json --token wrong-token-0123456789");

  const planted: Record<string, number> = {};
  const plant = (series: string): void => {
    planted[series] = (planted[series] ?? 0) + 1;
  };

  it("are collected by an enabled timer, and nothing has failed", async () => {
    expect(await asUser("systemctl --user is-enabled gatehouse-metrics.timer")).toBe("enabled");
    expect(await asUser("systemctl --user is-active gatehouse-metrics.timer")).toBe("active");
    expect(await failures()).toEqual({});
    const found = await samples();
    expect(found.get('gatehouse_gateway_up{gateway="team-a"}')).toBe(1);
    expect(found.get('gatehouse_gateway_starts_total{gateway="team-a"}')).toBe(1);
    const zero = [...found].filter(([name, value]) => /_(degraded|deviations)\{/.test(name) && value !== 0);
    expect(zero).toEqual([]);
    expect([...found].filter(([name, value]) => name.includes("_source_up{") && value !== 1)).toEqual([]);
    const due = found.get('gatehouse_credential_rotation_due_timestamp_seconds{gateway="team-a",track="gateway",agent="",provider=""}'); // prettier-ignore
    expect(Math.round(((due ?? 0) - Date.now() / 1000) / (24 * 60 * 60))).toBe(90);
    expect(await bench.output(`stat -Lc '%a %U' ${TEXTFILE}`)).toBe(`644 ${USER}`);
    expect(await bench.output(`stat -c '%a' /home/${USER}/.gatehouse/metrics/state.json`)).toBe("600");
  });

  it("count a refused session and a refused key once each, each in its own track", async () => {
    await knock();
    plant(gatewayFailures("token_mismatch"));
    expect(await agentTurn(bench.node, { user: USER }, "builder")).toMatchObject({ ok: false });
    plant(providerFailures("builder", "auth"));
    expect(await agentTurn(bench.node, { user: USER }, "research")).toMatchObject({ ok: true });
    expect(await failures()).toEqual(planted);
    expect(await failures()).toEqual(planted);
  });

  it("count on over a lost journal and a killed gateway, and no line twice", async () => {
    await bench.output("journalctl --quiet --rotate --vacuum-time=1s");
    expect(await failures()).toEqual(planted);
    await bench.output(`kill -9 ${await bench.pid(USER)}`);
    await ready();
    await knock();
    plant(gatewayFailures("token_mismatch"));
    const found = await samples();
    expect(found.get('gatehouse_gateway_starts_total{gateway="team-a"}')).toBe(2);
    expect(found.get('gatehouse_gateway_restarts_total{gateway="team-a"}')).toBe(1);
    expect(await failures()).toEqual(planted);
  });

  it("say which credential a process lacks, and count the turns that fail for it", async () => {
    const file = `/home/${USER}/.openclaw/gateway.systemd.env`;
    await bench.output(`cp -p ${file} /root/saved && sed -i '/RESEARCH/d' ${file}`);
    await asUser("systemctl --user restart openclaw-gateway.service");
    await ready();
    expect(await agentTurn(bench.node, { user: USER }, "research")).toMatchObject({ ok: false });
    plant(providerFailures("research", "secret_unavailable"));
    const found = await samples();
    const degraded = (agent: string) =>
      found.get(
        `gatehouse_credential_degraded{gateway="team-a",track="provider",agent="${agent}",provider="anthropic"}`,
      );
    expect([degraded("research"), degraded("builder")]).toEqual([1, 0]);
    expect(found.get('gatehouse_drift_deviations{gateway="team-a",kind="environment-file"}')).toBe(1);
    expect(await failures()).toEqual(planted);
    await bench.output(`cat /root/saved > ${file} && rm /root/saved`);
  });

  it.skipIf(!promtoolIsThere())("are well-formed for the official parser", async () => {
    expect(promtool(["check", "metrics"], (await bench.node.exec(`cat ${TEXTFILE}`)).stdout)).toEqual({
      status: 0,
      text: "",
    });
  });

  it("are shown by `gatehouse metrics` with the node's name", async () => {
    const { status, stdout, stderr } = await gatehouse(["metrics"]);
    expect([status, stderr]).toEqual([0, expect.not.stringContaining("failed")]);
    expect(stdout).toContain('gatehouse_gateway_up{node="box-1",gateway="team-a"} 1');
    expect(promtoolIsThere() ? promtool(["check", "metrics"], `${stdout}\n`).status : 0).toBe(0);
    const { complete } = JSON.parse((await gatehouse(["metrics", "team-a", "--json"])).stdout) as { complete: boolean };
    expect(complete).toBe(true);
  });

  it("are drift when their timer is stopped, edited or removed, and are put back", async () => {
    await asUser("systemctl --user restart openclaw-gateway.service");
    await ready();
    await asUser("systemctl --user disable --now --quiet gatehouse-metrics.timer");
    await bench.output(`rm ${TEXTFILE} ${UNITS}/gatehouse-metrics.timer; echo '# edited' >> ${UNITS}/gatehouse-metrics.service`); // prettier-ignore
    const found = await gatehouse(["drift"]);
    expect([found.status, found.stdout]).toEqual([1, expect.stringContaining("metrics: ")]);
    for (const detail of [
      "has not the directory and the link of team-a",
      `${UNITS}/gatehouse-metrics.service does not say what it should`,
      `${UNITS}/gatehouse-metrics.timer is missing`,
      "its timer is not enabled",
      "its timer is inactive",
    ])
      expect(found.stdout).toContain(detail);
    const pid = await bench.pid(USER);
    expect((await gatehouse(["drift", "--repair", "--yes"])).status).toBe(0);
    expect(await asUser("systemctl --user is-enabled gatehouse-metrics.timer")).toBe("enabled");
    expect(await bench.pid(USER)).toBe(pid);
    expect(await failures()).toEqual(planted);
  });

  it("hold no secret anywhere", async () => {
    const state = await bench.output(`cat /home/${USER}/.gatehouse/metrics/*.json`);
    const all = [...printed, state].join("\n");
    expect(all).toContain("gatehouse_gateway_info");
    for (const secret of [token, ...Object.values(bench.secrets)]) expect(all).not.toContain(secret);
  });

  it("end with the gateway", async () => {
    await (await bench.open("prod", bench.fleet([bench.gateway("team-a", 0, ["research", "builder"])]))).destroy();
    expect(await bench.output(`find /var/lib/gatehouse-metrics ${UNITS} /home/${USER}/.gatehouse -name '*metrics*' 2>/dev/null || true`)).toBe(""); // prettier-ignore
  });
});
