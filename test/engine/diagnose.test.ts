import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "../../operations/diagnose/bundle.ts";
import { diagnose, type Diagnosis } from "../../operations/diagnose/diagnose.ts";
import { diagnosisText } from "../../operations/diagnose/report.ts";
import type { GatehouseStack } from "../../operations/stack.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const KEYS = { "team-a-research": canaryKey() };
const WRONG = "canaryOfTheWrongToken0123456789ABCDEFGHIJKLMNOPabcd";
const HOME = "/home/oc-team-a";
const CONFIG = `${HOME}/.openclaw/openclaw.json`;
const ENVIRONMENT = `${HOME}/.openclaw/gateway.systemd.env`;
const MANAGER = "systemctl --user --machine=oc-team-a@";

describe.skipIf(!(await nodesCanRun()))("diagnose on a node", () => {
  let bench: FleetBench;
  let stack: GatehouseStack;
  let tokens: string[] = [];
  beforeAll(async () => {
    bench = await FleetBench.start("test-diagnose", KEYS);
    Object.assign(bench.secrets, KEYS);
    const fleet = bench.fleet([bench.gateway("team-a", 0, ["research"])]);
    tokens = Object.values((await bench.up("prod", fleet)).outputs.gatewayTokens);
    stack = await bench.open("prod", fleet);
  }, START_MS);
  afterAll(() => bench.stop());

  const progress: string[] = [];
  /** Asks, and finds no more of any secret than its first and last four characters in whatever is shown. */
  async function ask(more: { readonly symptom?: string; readonly client?: string } = {}): Promise<Diagnosis> {
    const diagnosis = await diagnose(stack, {
      gateway: "team-a",
      sinceSeconds: 3600,
      progress: (line) => progress.push(line),
      signal: AbortSignal.timeout(120_000),
      ...more,
    });
    const shown = [JSON.stringify(diagnosis), diagnosisText(diagnosis), ...progress].join("\n");
    expect(tokens).toHaveLength(1);
    for (const secret of [...tokens, ...Object.values(KEYS), WRONG]) {
      expect(shown.includes(secret.slice(0, 20))).toBe(false);
      expect(shown.includes(secret.slice(-6))).toBe(false);
    }
    return diagnosis;
  }

  /** Everything of the gateway but what it writes itself at any time: its log and the log of its databases. */
  async function fingerprints(): Promise<string> {
    const files = `find ${HOME} /var/lib/gatehouse -type f -not -name '*-wal' -not -name '*-shm' -not -path '*/logs/*'`;
    const kept = `find ${HOME} /var/lib/gatehouse -not -path '*/logs/*' -printf '%p %m %u %l\\n'`;
    return await bench.output(`${files} -print0 | sort -z | xargs -0 sha256sum; ${kept} | sort`);
  }

  /** Rows about pairing in the gateway's own database. */
  async function pairing(): Promise<string> {
    const script = `const {DatabaseSync}=require("node:sqlite");const d=new DatabaseSync("${HOME}/.openclaw/state/openclaw.sqlite",{readOnly:true});
      const t=d.prepare("select name from sqlite_master where type='table' and (name like '%pair%' or name like 'device%')").all();
      console.log(JSON.stringify(t.map(({name})=>[name,d.prepare("select count(*) n from "+name).get().n])))`;
    return await bench.output(
      `$(ls -d /opt/gatehouse/node/*/bin/node) -e '${script.replaceAll("'", `'\\''`)}' 2>/dev/null`,
    );
  }

  async function planted(plant: string, heal: string, more = {}): Promise<Diagnosis> {
    await bench.output(plant);
    const diagnosis = await ask(more);
    await bench.output(heal);
    return diagnosis;
  }

  it("is healthy as declared, by one login, and changes nothing", async () => {
    const before = [await fingerprints(), await pairing(), await bench.pid("oc-team-a")];
    const logins = await bench.logins();
    const diagnosis = await ask();
    expect(diagnosis).toMatchObject({ verdict: "healthy", missing: [], also: [] });
    expect((await bench.logins()) - logins).toBe(1);
    expect([await fingerprints(), await pairing(), await bench.pid("oc-team-a")]).toEqual(before);
    expect(before[1]).toContain("device");
    expect(progress).toContain("openclaw gateway status");
  });

  it("finds a wrong token in the client", async () => {
    const client = join(bench.directory, "client");
    await mkdir(client);
    await writeFile(join(client, ".env"), `OPENCLAW_GATEWAY_TOKEN=${WRONG}\n`);
    const diagnosis = await ask({ client, symptom: `unauthorized: gateway token mismatch, sent token=${WRONG}` });
    expect(diagnosis).toMatchObject({ verdict: "gateway session", code: "client-token-refused" });
    const [json = "", ...others] = await writeBundle(join(bench.directory, "bundle"), diagnosis);
    expect(JSON.parse(await readFile(json, "utf8"))).toMatchObject({ code: "client-token-refused" });
    for (const path of [json, ...others]) {
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await readFile(path, "utf8")).includes(WRONG.slice(0, 20))).toBe(false);
    }
  });

  it("finds a configuration that was edited and never read", async () => {
    const edit = `sed -i 's/"consoleLevel": "info"/"consoleLevel": "warn"/' ${CONFIG}`;
    const diagnosis = await planted(`cp -a ${CONFIG} /root/kept && ${edit}`, `mv /root/kept ${CONFIG}`);
    expect(diagnosis).toMatchObject({ verdict: "config or disk", code: "edited" });
    expect(diagnosis.evidence.join()).toContain("never read it");
  });

  it("finds a key that the unit's environment lacks", async () => {
    const diagnosis = await planted(
      `cp -a ${ENVIRONMENT} /root/kept && sed -i /RESEARCH_ANTHROPIC/d ${ENVIRONMENT} && ${MANAGER} restart openclaw-gateway`,
      `mv /root/kept ${ENVIRONMENT}`,
      { symptom: "No API key for provider anthropic" },
    );
    expect(diagnosis).toMatchObject({ verdict: "provider credential", code: "key-process-missing" });
    expect(diagnosis.frozen.symptomClass).toBe("provider credential");
  });

  it("finds a stopped unit", async () => {
    const diagnosis = await planted(`${MANAGER} stop openclaw-gateway`, "true");
    expect(diagnosis).toMatchObject({ verdict: "gateway session", code: "unit-stopped" });
  });

  it("tells a gateway or agent that is not in the stack from a fault", async () => {
    const asked = { sinceSeconds: 60, progress: () => undefined, signal: AbortSignal.timeout(60_000) };
    await expect(diagnose(stack, { ...asked, gateway: "team-b" })).rejects.toMatchObject({ code: "input" });
    await expect(diagnose(stack, { ...asked, gateway: "team-a", agent: "nobody" })).rejects.toMatchObject({
      code: "input",
    });
  });
});
