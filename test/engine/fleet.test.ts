import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const KEYS = {
  "team-a-research": canaryKey(),
  "team-a-builder": canaryKey(),
  "team-b-writer": canaryKey(),
  rotated: canaryKey(),
} as const;
const PHASES = 7;
const NAME = "gw.example.internal";

describe.skipIf(!(await nodesCanRun()))("a fleet, every day", () => {
  let bench: FleetBench;
  let tokens: string[] = [];
  beforeAll(async () => {
    bench = await FleetBench.startBare("test-fleet", KEYS);
    Object.assign(bench.secrets, KEYS);
  }, START_MS);
  afterAll(() => bench.stop());

  const teamA = (agents: readonly string[] = ["research", "builder"]) => bench.gateway("team-a", 0, agents);
  /** First on all interfaces, later on one. */
  const teamB = (keyVersion: 1 | 2 = 1) =>
    bench.gateway("team-b", 1, ["writer"], {
      https: { listen: keyVersion === 1 ? "all" : "127.0.0.2", names: [NAME], keyVersion },
    });
  let authority = "";

  /** As a client that knows the name and the authority, or only the first; the exit status is curl's. */
  async function asClient(trust: "trusting" | "not trusting", scheme: "https" | "http" = "https") {
    const { port } = teamB();
    await bench.output(`cat > /tmp/authority.pem <<'END'\n${authority}END`);
    const ca = trust === "trusting" ? "--cacert /tmp/authority.pem" : "";
    return await bench.node.exec(
      `curl -sS ${ca} --resolve ${NAME}:${port}:127.0.0.1 ${scheme}://${NAME}:${port}/healthz`,
    );
  }

  const earlier: string[] = [];
  /** One real turn: it carried the key with this label, and no other but late helper calls of earlier turns. */
  async function expectOwnKey(user: string, agent: string, label: keyof typeof KEYS): Promise<void> {
    const before = bench.provider.records().length;
    const turn = await agentTurn(bench.node, { user }, agent);
    expect(turn).toMatchObject({ ok: true });
    expect(keyProblem(label, bench.provider.records().slice(before), earlier)).toBeUndefined();
    earlier.push(label);
  }

  it("goes all the way from nothing to two agents, each with its own key", async () => {
    const logins = await bench.logins();
    const report = await bench.up("prod", bench.fleet([teamA()]));
    const gateway = report.outputs.nodes["box-1"]?.gateways["team-a"];
    expect(gateway).toMatchObject({ health: "ready", previousGeneration: null, openclawVersion: "2026.9.6" });
    expect(gateway?.hardening).toEqual({ profile: "namespaced", findings: [] });
    tokens = Object.values(report.outputs.gatewayTokens);
    expect(tokens[0]?.length).toBeGreaterThanOrEqual(43);
    expect((await bench.logins()) - logins).toBe(PHASES);
    await expectOwnKey("oc-team-a", "research", "team-a-research");
    await expectOwnKey("oc-team-a", "builder", "team-a-builder");
  });

  it("leaves no secret where another user, the journal or the operator's disk could show it", async () => {
    const operator = await bench.operatorBytes();
    const journal = await bench.output("journalctl --no-pager -o cat");
    // as a user that is neither root nor the gateway's; installed packages are root's and checked by their integrity
    const search = "find / -xdev -path /opt/gatehouse/runtime -prune -o -type f -readable -newer /etc/hostname -print0";
    const others = async (secret: string) =>
      (await bench.node.exec(`${search} 2>/dev/null | xargs -0 grep -lF '${secret}' 2>/dev/null`, { user: "nosudo" }))
        .stdout;
    const unit = await bench.output("cat /home/oc-team-a/.config/systemd/user/openclaw-gateway.service");
    const argv = await bench.output("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'");
    const used = [KEYS["team-a-research"], KEYS["team-a-builder"], ...tokens];
    expect(used.length).toBe(3);
    for (const secret of used) {
      for (const [where, text] of Object.entries({ operator, journal, unit, argv })) {
        expect(text.includes(secret), where).toBe(false);
      }
      expect(await others(secret)).toBe("");
      // the same search finds it as root, so the search works
      const found = await bench.output(`grep -rlF '${secret}' /home/oc-team-a/.openclaw/gateway.systemd.env`);
      expect(found).not.toBe("");
    }
  });

  it("changes and restarts nothing the second time", async () => {
    const [pid, logins] = [await bench.pid("oc-team-a"), await bench.logins()];
    const report = await bench.up("prod", bench.fleet([teamA()]));
    expect(Object.keys(report.changes)).toEqual(["same"]);
    expect(await bench.pid("oc-team-a")).toBe(pid);
    expect(await bench.logins()).toBe(logins);
  });

  it("gives one agent another key and touches that agent, not the runtime", async () => {
    const [before, logins] = [bench.shown.length, await bench.logins()];
    bench.secrets["team-a-research"] = KEYS.rotated;
    const report = await bench.up("prod", bench.fleet([teamA()]));
    const updated = bench.shown.slice(before).flatMap((line) => /^(\S+): updated/.exec(line)?.[1] ?? []);
    expect(updated).toEqual(["team-a/research-agent", "team-a-gateway", "team-a-verify"]);
    expect((await bench.logins()) - logins).toBe(3);
    expect(report.outputs.nodes["box-1"]?.gateways["team-a"]).toMatchObject({ health: "ready", rollbackPoints: 1 });
    await expectOwnKey("oc-team-a", "research", "rotated");
  });

  it("runs a second gateway beside the first one, under another user", async () => {
    const pid = await bench.pid("oc-team-a");
    const report = await bench.up("prod", bench.fleet([teamA(), teamB()]));
    authority = report.outputs.certificateAuthority?.certificate ?? "";
    expect(Object.values(report.outputs.nodes["box-1"]?.gateways ?? {}).map(({ health }) => health)).toEqual([
      "ready",
      "ready",
    ]);
    expect(await bench.pid("oc-team-a")).toBe(pid);
    await expectOwnKey("oc-team-b", "writer", "team-b-writer");
    const peek = await bench.node.exec("runuser -u oc-team-b -- cat /home/oc-team-a/.openclaw/gateway.systemd.env");
    expect(peek.code).not.toBe(0);
  });

  it("serves HTTPS with a certificate of the fleet's authority, and renews it by itself alone", async () => {
    expect(JSON.parse((await asClient("trusting")).stdout)).toMatchObject({ status: "live" });
    expect(await asClient("not trusting")).toMatchObject({ stdout: "" });
    expect((await asClient("trusting", "http")).stdout).not.toContain("live");
    const pid = await bench.pid("oc-team-a");
    const before = bench.shown.length;
    const report = await bench.up("prod", bench.fleet([teamA(), teamB(2)]));
    const updated = bench.shown.slice(before).flatMap((line) => /^(\S+): updated/.exec(line)?.[1] ?? []);
    expect(updated).toEqual(["team-b-gateway", "team-b-verify"]);
    expect(await bench.pid("oc-team-a")).toBe(pid);
    expect(JSON.parse((await asClient("trusting")).stdout)).toMatchObject({ status: "live" });
    const direct = `curl -sS --cacert /tmp/authority.pem https://127.0.0.2:${teamB().port}/healthz`;
    expect(JSON.parse(await bench.output(direct))).toMatchObject({ status: "live" });
    const shown = report.outputs.nodes["box-1"]?.gateways["team-b"]?.certificate?.fingerprint;
    const served = `openssl s_client -connect 127.0.0.1:${teamB().port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`;
    expect(await bench.output(served)).toBe(`sha256 Fingerprint=${shown ?? ""}`);
    await expectOwnKey("oc-team-b", "writer", "team-b-writer");
    const audit = await bench.openclaw("oc-team-b", "security audit --json");
    expect(JSON.parse(audit), audit).toMatchObject({ summary: { critical: 0 } });
    expect(JSON.parse(await bench.openclaw("oc-team-b", "config validate --json"))).toMatchObject({ valid: true });
  });

  it("removes an agent with its credentials, and keeps its workspace", async () => {
    await bench.output("runuser -u oc-team-a -- touch /home/oc-team-a/workspaces/builder/work");
    await bench.up("prod", bench.fleet([teamA(["research"]), teamB(2)]));
    const left = await bench.output(`grep -rlF '${KEYS["team-a-builder"]}' /home/oc-team-a || true`);
    expect(left).toBe("");
    await bench.output("test -f /home/oc-team-a/workspaces/builder/work");
    await expectOwnKey("oc-team-a", "research", "rotated");
  });

  it("comes back serving after a reboot, without a login", async () => {
    await bench.node.reboot();
    const port = teamA().port;
    const ready = `for i in $(seq 600); do curl -fsS http://127.0.0.1:${port}/readyz && exit 0; sleep 0.2; done; exit 1`;
    expect(JSON.parse(await bench.output(ready))).toMatchObject({ ready: true });
    expect(await bench.output("loginctl list-users --no-legend")).toContain("oc-team-a");
    const report = await bench.up("prod", bench.fleet([teamA(["research"]), teamB(2)]));
    expect(Object.keys(report.changes)).toEqual(["same"]);
  });

  it("takes a gateway out of the fleet: service and secrets go, state and workspaces stay", async () => {
    await bench.up("prod", bench.fleet([teamA(["research"])]));
    expect((await bench.node.exec("systemctl --user --machine=oc-team-b@ is-active openclaw-gateway")).code).not.toBe(
      0,
    );
    expect(await bench.output(`grep -rlF '${KEYS["team-b-writer"]}' /home/oc-team-b || true`)).toBe("");
    await bench.output("test -d /home/oc-team-b/workspaces/writer");
    await bench.output("test -d /home/oc-team-b/.openclaw/agents/writer");
  });

  it("stops with an explanation when another machine answers at the address", async () => {
    await bench.node.replaceMachineId();
    bench.secrets["team-a-research"] = KEYS["team-a-builder"];
    const error = await bench.failedUp("prod", bench.fleet([teamA(["research"])]));
    expect(error.message).toContain("host/machine-changed");
    expect(error.message).toContain("was provisioned as");
    const env = await bench.output("cat /home/oc-team-a/.openclaw/gateway.systemd.env");
    expect(env).toContain(KEYS.rotated);
    // accepting it is one line in the spec
    const machineId = await bench.output("cat /etc/machine-id");
    const fleet = bench.fleet([teamA(["research"])]);
    const accepted = { ...fleet, nodes: fleet.nodes.map((node) => ({ ...node, machineId })) };
    const report = await bench.up("prod", accepted);
    expect(report.outputs.nodes["box-1"]?.machineId).toBe(machineId);
    // and purging is one more, at the end
    const purging = bench.gateway("team-a", 0, ["research"], { purgeOnDestroy: true });
    await bench.up("prod", { ...accepted, nodes: accepted.nodes.map((node) => ({ ...node, gateways: [purging] })) });
    await (await bench.open("prod", accepted)).destroy();
    expect((await bench.node.exec("test -e /home/oc-team-a")).code).not.toBe(0);
    expect((await bench.node.exec("id oc-team-a")).code).not.toBe(0);
    expect(await bench.output("ls /opt/gatehouse/runtime")).toBe("");
  });
});
