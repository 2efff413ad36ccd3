import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audit } from "../../operations/audit/audit.ts";
import { checkMarkdown, checkSarif, checkText } from "../../operations/check/report.ts";
import { drift, repair } from "../../operations/drift/drift.ts";
import { driftText, repairText } from "../../operations/drift/report.ts";
import type { GatehouseStack } from "../../operations/stack.ts";
import { freePort } from "../../sandbox/node/port.ts";
import type { FleetInput } from "../../spec/index.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const KEYS = { "team-a-research": canaryKey() };
/** What somebody wrote into a file by hand. */
const PLANTED = canaryKey();
const HOME = "/home/oc-team-a";
const UNIT = "openclaw-gateway.service";

describe.skipIf(!(await nodesCanRun()))("audit and drift of a stack", () => {
  let bench: FleetBench;
  let stack: GatehouseStack;
  let fleet: FleetInput;
  let tokens: string[] = [];
  const shown: string[] = [];
  const options = () => ({
    names: [] as string[],
    progress: (line: string) => shown.push(line),
    signal: AbortSignal.timeout(300_000),
  });

  beforeAll(async () => {
    bench = await FleetBench.start("test-audit", KEYS);
    Object.assign(bench.secrets, KEYS);
    fleet = bench.fleet([bench.gateway("team-a", 0, ["research"])]);
    tokens = Object.values((await bench.up("prod", fleet)).outputs.gatewayTokens);
    stack = await bench.open("prod", fleet);
  }, START_MS);
  afterAll(() => bench.stop());

  const audited = async (names: string[] = []) => {
    const found = await audit(stack, { ...options(), names });
    shown.push(checkText(found), checkMarkdown(found), JSON.stringify([found, checkSarif(found, "1.0.0")]));
    return found;
  };
  const drifted = async () => {
    const found = await drift(stack, options());
    shown.push(driftText(found), JSON.stringify(found));
    return found;
  };

  it("are clean after an update", async () => {
    expect(await audited()).toEqual({ verdict: "clean", violations: [], failures: [] });
    expect(await audited(["team-a"])).toMatchObject({ verdict: "clean" });
    const logins = await bench.logins();
    expect(await drifted()).toMatchObject({ verdict: "none" });
    expect((await bench.logins()) - logins).toBe(1);
  });

  it("refuse a name that the stack does not have", async () => {
    const other = { ...options(), names: ["moon"] };
    await expect(audit(stack, other)).rejects.toThrow(/no node or gateway moon/);
    await expect(drift(stack, other)).rejects.toThrow(/no node or gateway moon/);
  });

  it("find what was done by hand, each rule by its own fault, and no secret is shown", async () => {
    const config = `${HOME}/.openclaw/openclaw.json`;
    await bench.output(
      `chmod 644 ${HOME}/.openclaw/gateway.systemd.env
       groupadd -f docker; usermod -aG docker oc-team-a; rm /etc/systemd/sleep.conf.d/50-gatehouse.conf
       cat > /root/edit.js <<'END'
const fs = require("node:fs"); const config = JSON.parse(fs.readFileSync("${config}"));
config.update.checkOnStart = true; config.logging.audit.enabled = false; config.gateway.controlUi.allowedOrigins = ["*"];
fs.writeFileSync("${config}", JSON.stringify(config));
END
       $(ls -d /opt/gatehouse/node/*/bin/node) /root/edit.js
       d=${HOME}/.config/systemd/user/${UNIT}.d; mkdir -p $d; chown oc-team-a: $d
       printf '[Service]\nEnvironment=ANTHROPIC_API_KEY=${PLANTED}\nNoNewPrivileges=no\nEnvironment="PATH=/opt/other/bin:/usr/bin:/bin"\n' > $d/override.conf
       chown oc-team-a: $d/override.conf`,
    );
    const { verdict, violations, failures } = await audited();
    expect(failures).toEqual([]);
    expect(verdict).toBe("violations");
    const rules = [...new Set(violations.map(({ rule }) => rule))].sort();
    expect(rules).toEqual(
      expect.arrayContaining(["GH201", "GH202", "GH205", "GH206", "GH304", "GH305", "GH405", "GH601", "GH602"]),
    );
    const said = violations.map(({ rule, resource, message }) => `${rule} ${resource} ${message}`).join("\n");
    expect(said).toMatch(/GH201 team-a .*gateway\.systemd\.env has mode 0644/);
    expect(said).toMatch(/GH202 team-a .*group docker/);
    expect(said).toMatch(/GH205 team-a .*ANTHROPIC_API_KEY in clear/);
    expect(said).toMatch(/GH601 \S+ .*sleep is not "prevented"/);
  });

  it("agree: drift names the same, repairs it, and the audit is clean but for what a hand has to mend", async () => {
    expect(await drifted()).toMatchObject({ verdict: "drift" });
    const planned = await stack.preview({ refresh: true });
    shown.push(JSON.stringify(planned));
    // both observations, the runtime with its sleep, the generation and its confirmation
    expect(planned.changes).toMatchObject({ update: 5 });
    expect(planned.diagnostics.map(({ message }) => message).join("\n")).toMatch(/drift: user-rights: .*by hand/);
    const mended = await repair(stack, options());
    shown.push(repairText(mended), JSON.stringify(mended));
    expect(mended.verdict).toBe("drift");
    const left = await audited();
    expect(left.failures).toEqual([]);
    expect([...new Set(left.violations.map(({ rule }) => rule))]).toEqual(["GH202"]);
    await bench.output("gpasswd -d oc-team-a docker");
    expect(await audited()).toMatchObject({ verdict: "clean" });
    expect(await drifted()).toMatchObject({ verdict: "none" });
    expect(Object.keys((await stack.preview({ refresh: true })).changes)).toEqual(["same"]);
  });

  it("are undecided where something cannot be seen", async () => {
    const manager = "systemctl --user --machine=oc-team-a@";
    await bench.output(`${manager} stop ${UNIT}`);
    const down = await audited();
    expect(down.verdict).toBe("undecided");
    expect(down.failures.map(({ message }) => message).join()).toMatch(/process is not there.*nobody listens/s);
    await bench.output(`${manager} start ${UNIT}`);
    const [node, ...others] = fleet.nodes;
    if (node === undefined) throw new Error("no node");
    const elsewhere = { ...node, connection: { ...node.connection, port: await freePort("127.0.0.1") } };
    stack = await bench.open("prod", { ...fleet, nodes: [elsewhere, ...others] });
    const unreachable = await audited();
    expect(unreachable).toMatchObject({ verdict: "undecided", failures: [{ code: "not-seen", resource: node.name }] });
    expect(await drifted()).toMatchObject({ verdict: "undecided" });
  });

  it("never show a secret", () => {
    expect(tokens).toHaveLength(1);
    const all = shown.join("\n");
    for (const secret of [...tokens, ...Object.values(KEYS), PLANTED]) {
      expect(all.includes(secret.slice(0, 20))).toBe(false);
      expect(all.includes(secret.slice(-8))).toBe(false);
    }
  });
});
