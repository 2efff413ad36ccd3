import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Deviation, DriftPayload, NodeDrift } from "../../node/drift/deviation.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { canary, GatewayBench } from "./gateway-fixture.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

const SLEEP = "/etc/systemd/sleep.conf.d/50-gatehouse.conf";

// One gateway's life in order: every start takes 10 to 20 s.
describe.skipIf(!(await nodesCanRun()))("drift of a node", () => {
  let bench: NodeBench;
  let subject: GatewayBench;
  let payload: DriftPayload;
  let key: string;

  beforeAll(async () => {
    bench = await NodeBench.start("test-drift");
    key = canary("research");
    subject = new GatewayBench(bench, await freePort("127.0.0.1"), { research: key });
    await subject.prepare();
    await subject.switchOnly();
    await subject.confirm();
    const { user, home, account } = subject;
    const { unit, generation, metrics } = subject.gateway();
    const machineId = await bench.output("cat /etc/machine-id");
    const gateway = {
      gateway: account.gateway,
      user,
      home,
      unit,
      generation,
      agents: ["research"],
      ...(metrics && { metrics }),
    };
    payload = { machineId, alwaysOn: true, gateways: [gateway] };
  }, START_MS);
  afterAll(() => bench.destroy());

  const all = ({ deviations, gateways }: NodeDrift): readonly Deviation[] => [
    ...deviations,
    ...gateways.flatMap((gateway) => gateway.deviations),
  ];
  const found = async (changes: Partial<DriftPayload> = {}): Promise<readonly Deviation[]> =>
    all(valueOf(await bench.visit("drift", { ...payload, ...changes })));
  const kinds = (deviations: readonly Deviation[]): string[] => [...new Set(deviations.map(({ kind }) => kind))].sort();
  const inHome = (command: string): Promise<string> => subject.asUser(`cd ${subject.home} && ${command}`);
  /** Repairs, and takes the answer for clean only where a look of its own finds nothing, either. */
  const repaired = async () => {
    const done = await bench.visit("repair", payload);
    const { before, after } = valueOf(done);
    expect(all(after)).toEqual([]);
    expect(await found()).toEqual([]);
    expect(await subject.readyz()).toContain('"ready":true');
    expect(JSON.stringify(done)).not.toContain(key);
    return { kinds: kinds(all(before)), done: valueOf(done).done };
  };

  it("is none after an update", async () => {
    expect(await found()).toEqual([]);
  });

  it("is none after a rewrite that says the same", async () => {
    await inHome(
      `${subject.gateway().nodePath} -e 'const fs = require("fs"); const path = ".openclaw/openclaw.json"; const { meta, ...rest } = JSON.parse(fs.readFileSync(path)); fs.writeFileSync(path, JSON.stringify({ meta: { ...meta, lastTouchedAt: "2026-11-23T00:00:00Z" }, ...rest }))'`,
    );
    expect(await found()).toEqual([]);
  });

  it("finds forms and the machine's sleep, and mends them without a restart", async () => {
    const pid = await subject.pid();
    await inHome("chmod 644 .openclaw/openclaw.json && chmod 755 .gatehouse .");
    await bench.output(`chown root ${subject.home}/.openclaw/gateway.systemd.env; rm ${SLEEP}`);
    const { kinds, done } = await repaired();
    expect(kinds).toEqual(["mode", "owner", "sleep"]);
    expect(done).toContain(`keeps to \`alwaysOn\` again: ${SLEEP}`);
    expect(await subject.pid()).toBe(pid);
  });

  it("finds what was edited, put beside or replaced, names who likely did it, and mends it with one restart", async () => {
    const { unit } = subject.gateway();
    const units = ".config/systemd/user";
    await inHome(
      `systemctl --user --quiet disable ${unit}
       sed -i 's/"messages": *"off"/"messages":"full"/; s/"lastTouchedVersion": *"[^"]*"/"lastTouchedVersion":"2026.9.7"/' .openclaw/openclaw.json
       echo 'NEVER_API_KEY=${key}' >> .openclaw/gateway.systemd.env
       mv .config/gatehouse/policy.jsonc .config/gatehouse/elsewhere && ln -s elsewhere .config/gatehouse/policy.jsonc
       echo '# edited' >> ${units}/${unit}
       mkdir -p ${units}/${unit}.d && printf '[Service]\nEnvironment=OPENCLAW_LOG_LEVEL=debug\n' > ${units}/${unit}.d/override.conf
       echo 'ANTHROPIC_API_KEY=${key}' > .openclaw/.env
       mkdir -p .config/environment.d && echo 'OPENAI_API_KEY=${key}' > .config/environment.d/keys.conf
       systemctl --user set-environment OPENAI_API_KEY=${key}`,
    );
    const before = await found();
    expect(kinds(before)).toEqual([
      "configuration",
      "dotenv",
      "drop-in",
      "environment-file",
      "link",
      "manager-environment",
      "not-enabled",
      "not-reloaded",
      "unit-file",
    ]);
    const likely = (kind: string) => before.find((one) => one.kind === kind)?.likely;
    expect(likely("configuration")).toBe("OpenClaw");
    expect(likely("unit-file")).toBe("a hand");
    const pid = await subject.pid();
    const { done } = await repaired();
    expect(done.join("\n")).toMatch(/moved .*override\.conf to .*set-aside.*moved .*\.env to .*set-aside/s);
    expect(await subject.pid()).not.toBe(pid);
    const environ = await bench.output(`tr '\\0' '\\n' < /proc/${await subject.pid()}/environ`);
    expect(environ).not.toMatch(/OPENAI_API_KEY|NEVER_API_KEY|LOG_LEVEL=debug/);
  });

  it("finds a gateway that is down and stays down, and starts it", async () => {
    const { unit } = subject.gateway();
    await inHome(`systemctl --user stop ${unit} && rm -r workspaces/research`);
    await bench.output(`loginctl disable-linger ${subject.user}`);
    const { kinds: before } = await repaired();
    // whether its service manager is gone already is a matter of time
    expect(before).toContain("linger");
    expect(before.join()).toMatch(/missing|unknown/);
  });

  it("finds a process that has something else than its files", async () => {
    const { unit } = subject.gateway();
    await inHome(
      `cp .openclaw/gateway.systemd.env saved && sed -i 's/^\\(OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY=\\).*/\\1"sk-ant-api03-another-0123456789"/' .openclaw/gateway.systemd.env
       systemctl --user restart ${unit} && cat saved > .openclaw/gateway.systemd.env && rm saved`,
    );
    expect(await found()).toMatchObject([
      { kind: "process-environment", what: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY" },
    ]);
    await repaired();
  });

  it("says what only an update or a hand can mend, and leaves it alone", async () => {
    const generation = "g-0000000000000000";
    const [own] = payload.gateways;
    if (own === undefined) throw new Error("no gateway");
    const other = { ...payload, gateways: [{ ...own, generation }] };
    await bench.output(`usermod -aG adm ${subject.user}`);
    expect(await found(other)).toMatchObject([
      { kind: "user-rights", what: subject.user, mending: "by hand" },
      { kind: "generation", mending: "up" },
    ]);
    const { done, after } = valueOf(await bench.visit("repair", other));
    expect(done).toEqual([]);
    expect(kinds(all(after))).toEqual(["generation", "user-rights"]);
    await bench.output(`gpasswd -d ${subject.user} adm`);
    expect(await found({ gateways: [{ ...own, user: "nobody-here" }] })).toMatchObject([{ kind: "user-missing" }]);
  });

  it("refuses to repair another machine", async () => {
    const other = { ...payload, machineId: "0".repeat(32) };
    expect(kinds(await found(other))).toEqual(["another-machine"]);
    expect(errorOf("repair", await bench.visit("repair", other))).toMatchObject({ code: "another-machine" });
  });

  it("finds a damaged generation, which only an update can mend", async () => {
    await inHome("rm .gatehouse/generations/*/secrets-plan.json");
    expect(await found()).toMatchObject([{ kind: "generation-damaged", mending: "up" }]);
  });
});
