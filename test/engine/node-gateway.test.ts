import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT, type GatewayPayload } from "../../node/protocol.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { asGeneration, canary, GatewayBench } from "./gateway-fixture.ts";
import { errorOf, NodeBench, nodesCanRun, START_MS, valueOf } from "./node-fixture.ts";

const DEAD_MAN = "gatehouse-dead-man.service";
const WATCH = "/root/watch";
/** In the command line of a process that the watch has to find, so that its silence means something. */
const SEEN = canary("control");

/** Writes every argument that holds a secret to a file, ten times a second, also after a reboot. */
const WATCH_SCRIPT = `umask 077; mkdir -p ${WATCH}; cat > ${WATCH}/secrets
cat > ${WATCH}/watch <<'END'
while sleep 0.1; do
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n" | grep -aF -f ${WATCH}/secrets >> ${WATCH}/argv
done
END
printf '[Service]\nExecStart=/bin/sh ${WATCH}/watch\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/argv-watch.service
systemctl --quiet enable --now argv-watch`;

// One gateway's life in order: a start takes 10 to 20 s, so every test goes on where the one before it ended.
describe.skipIf(!(await nodesCanRun()))("a gateway on a node", () => {
  let bench: NodeBench;
  let subject: GatewayBench;
  /** Every secret that was ever sent to the node. */
  const secrets: string[] = [];
  const newKey = (agent: string): string => {
    const key = canary(agent);
    secrets.push(key);
    return key;
  };
  const apply = (payload: GatewayPayload = subject.gateway()) => bench.apply("gateway", payload);
  const home = (): string => subject.home;
  const planted = async (): Promise<void> => {
    await bench.output(`cat > ${WATCH}/secrets`, `${[...secrets, SEEN].join("\n")}\n`);
  };
  const change = async (agent: string): Promise<void> => {
    subject.keys[agent] = newKey(agent);
    await planted();
    valueOf(await bench.apply("agent", subject.agent(agent)));
  };
  /** Files below `directories` with any of the `wanted` secrets, as root. */
  const filesWith = async (wanted: readonly string[], directories: string): Promise<string[]> => {
    const found = await bench.output(`grep -rlaF --devices=skip -f - ${directories} || true`, `${wanted.join("\n")}\n`);
    return found.split("\n").filter((line) => line !== "").sort(); // prettier-ignore
  };

  beforeAll(async () => {
    bench = await NodeBench.start("test-gateway");
    subject = new GatewayBench(bench, await freePort("127.0.0.1"), { research: newKey("research"), builder: newKey("builder") }); // prettier-ignore
    secrets.push(subject.token);
    await bench.output(WATCH_SCRIPT, `${[...secrets, SEEN].join("\n")}\n`);
    await subject.prepare();
  }, START_MS);
  afterAll(() => bench.destroy());

  describe("before the first generation", () => {
    const untouched = async (): Promise<void> => {
      expect(await subject.live()).toBe("");
      expect(await subject.generations()).toEqual([]);
      const files = [".openclaw/openclaw.json", ".openclaw/gateway.systemd.env", ".gatehouse/switch.json", `.config/systemd/user/${subject.gateway().unit}`]; // prettier-ignore
      expect(await bench.output(`cd ${home()}; ls -d ${files.join(" ")} 2>/dev/null || true`)).toBe("");
    };

    it("names a port that another user listens on, and touches nothing", async () => {
      const listener = `require('net').createServer().listen(${subject.port}, '127.0.0.1')`;
      await bench.output(`systemd-run --quiet --unit=taken --uid=nosudo ${subject.runtime.runtime.nodePath} -e "${listener}"; for _ in $(seq 50); do ss -ltn | grep -q :${subject.port} && break; sleep 0.1; done`); // prettier-ignore
      try {
        const error = errorOf("gateway", await apply());
        expect(error).toMatchObject({ layer: "host", code: "port-taken", exit: EXIT.os });
        expect(error.message).toContain(`port ${subject.port}`);
        expect(error.message).toContain(`uid ${await bench.output("id -u nosudo")}`);
        await untouched();
      } finally {
        await bench.output("systemctl stop taken");
      }
    });

    it("says which agent's credential was not staged", async () => {
      await bench.output(`mv ${home()}/.gatehouse/agents/builder/credentials.json /root/staged.json`);
      const error = errorOf("gateway", await apply());
      expect(error).toMatchObject({ layer: "provider credential", code: "credential-missing", exit: EXIT.refused });
      expect(error.message).toContain("'builder'");
      await untouched();
      await bench.output(`mv /root/staged.json ${home()}/.gatehouse/agents/builder/credentials.json`);
    });

    it("names the agent that has no profile in OpenClaw, and leaves nothing that serves or tells", async () => {
      const payload = subject.gateway();
      const plan = JSON.parse(payload.files.secretsPlan) as { targets: { agentId: string }[] };
      plan.targets = plan.targets.filter(({ agentId }) => agentId !== "builder");
      const files = { ...payload.files, secretsPlan: JSON.stringify(plan) };
      const error = errorOf("gateway", await apply(asGeneration({ ...payload, files })));
      expect(error).toMatchObject({ layer: "provider credential", code: "agent-credential", exit: EXIT.gate });
      expect(error.message).toContain("agent 'builder' cannot use its model");
      expect(error.message).toContain("there was no generation before it");
      await untouched();
      expect(await subject.readyz()).toBe("");
      expect(await subject.asUser(`systemctl --user is-enabled ${payload.unit} 2>/dev/null || true`)).toBe("");
    });
  });

  describe("first generation", () => {
    it("goes live, unconfirmed until a second session looks", async () => {
      const { generation, unit } = subject.gateway();
      const value = valueOf(await apply());
      expect(value).toMatchObject({ generation, previousGeneration: null, action: "switched", rollbackPoints: 0 });
      expect(value.hardening).toEqual({ profile: "namespaced", findings: [] });
      expect(value.interruptionSeconds).toBeGreaterThan(1);
      expect(await bench.output(`cat ${home()}/.gatehouse/switch.json`)).toContain('"state":"unconfirmed"');
      const confirmed = valueOf(await bench.apply("verify", subject.verify()));
      const sinceNow = { issued: confirmed.credentials[0]?.issued, rotated: confirmed.credentials[0]?.issued };
      expect(Date.parse(sinceNow.issued ?? "")).toBeLessThanOrEqual(Date.now());
      expect(value.proof).toEqual({ variables: subject.served().length, oldTokenRefused: null, unconfirmedAgents: [] });
      expect(confirmed).toEqual({
        generation,
        health: "ready",
        unitState: "active (running)",
        pid: await subject.pid(),
        restarts: 0,
        openclawVersion: subject.gateway().openclawVersion,
        launched: [],
        devices: null,
        credentials: subject.served().map((served) => ({ ...served, ...sinceNow })),
      });
      expect(await bench.output(`ls ${home()}/.gatehouse`)).not.toContain("switch.json");
      expect(await subject.asUser(`systemctl --user is-enabled ${unit}`)).toBe("enabled");
      expect(await subject.asUser("systemctl --user list-timers --no-legend gatehouse-dead-man.timer")).toBe("");
    });

    it("has nothing below its home that another user may read or that is not its own", async () => {
      const find = `find ${home()} ! -type l -printf '%y %m %u:%g %P\\n'`;
      const entries = (await bench.output(find)).split("\n").map((line) => line.split(" "));
      const own = `${subject.user}:${subject.user}`;
      // OpenClaw keeps a program for its agents there
      const program = /^\.openclaw\/tmp\/agent-cli\/\w+$/;
      const expected = (type: string, path: string): string => (type === "d" || program.test(path) ? "700" : "600");
      const wrong = entries.filter(
        ([type = "", mode, owner, path = ""]) => owner !== own || mode !== expected(type, path),
      );
      expect(wrong.map((parts) => parts.join(" "))).toEqual([]);
      expect(entries.length).toBeGreaterThan(30);
    });

    it("is what OpenClaw's own commands expect", async () => {
      const { nodePath, unit } = subject.gateway();
      const openclaw = `${nodePath} /opt/gatehouse/runtime/${subject.gateway().runtimeId}/node_modules/openclaw/openclaw.mjs`;
      const answer = await subject.asUser(`${openclaw} gateway status --json --require-rpc`);
      const status = JSON.parse(answer) as { service: unknown; rpc: unknown };
      expect(status.service).toMatchObject({ loaded: true, configAudit: { ok: true, issues: [] } });
      expect(status.rpc).toMatchObject({ ok: true });
      const verdict = JSON.parse(await subject.asUser(`${openclaw} policy check --json --agent research`)) as object;
      const { vendorPolicy } = valueOf(await apply());
      expect(verdict).toMatchObject({
        ok: true,
        attestation: {
          attestationHash: vendorPolicy?.attestationHash,
          policy: { hash: vendorPolicy?.policyHash },
        },
        checksRun: vendorPolicy?.checks,
        findings: [],
      });
      expect(await subject.asUser(`systemctl --user show -P NeedDaemonReload ${unit}`)).toBe("no");
    });

    it("really has what its unit asks of the kernel", async () => {
      const pid = await subject.pid();
      const status = await bench.output(`grep -E '^(NoNewPrivs|Seccomp|CapEff|CapPrm|CapBnd|Umask|Uid):' /proc/${pid}/status`); // prettier-ignore
      const uid = await bench.output(`id -u ${subject.user}`);
      expect(Object.fromEntries(status.split("\n").map((line) => line.split(/:\s+/)))).toEqual({
        Uid: `${uid}\t${uid}\t${uid}\t${uid}`,
        NoNewPrivs: "1",
        Seccomp: "2",
        CapEff: "0000000000000000",
        CapPrm: "0000000000000000",
        CapBnd: "0000000000000000",
        Umask: "0077",
      });
      expect(await bench.output(`grep '^Max core' /proc/${pid}/limits`)).toMatch(/^Max core file size +0 +0 /);
      for (const namespace of ["user", "mnt"]) {
        const [own, root] = await Promise.all([pid, 1].map((of) => bench.output(`readlink /proc/${of}/ns/${namespace}`))); // prettier-ignore
        expect(own, namespace).not.toBe(root);
      }
      const mounts = await bench.output(`awk '{print $5, $6}' /proc/${pid}/mountinfo`);
      const options = new Map(mounts.split("\n").map((line) => line.split(" ") as [string, string]));
      expect(options.get("/")).toMatch(/^ro,/);
      expect(options.get("/run/user")).toMatch(/^ro,/);
      for (const path of [".openclaw", "workspaces", ".cache"])
        expect(options.get(`${home()}/${path}`)).toMatch(/^rw,/);
      expect(await bench.output(`nsenter -t ${pid} -m stat -c %a ${home()}/.gatehouse`)).toBe("0");
    });

    it("is left alone by a second run", async () => {
      const pid = await subject.pid();
      expect(valueOf(await apply())).toMatchObject({ action: "unchanged", rollbackPoints: 0 });
      expect(await subject.pid()).toBe(pid);
      await subject.confirm();
      expect(await subject.pid()).toBe(pid);
    });
  });

  it("is not confirmed as a generation that is not live", async () => {
    const other = { ...subject.verify(), generation: "g-0000000000000000" };
    const error = errorOf("verify", await bench.apply("verify", other));
    expect(error).toMatchObject({ layer: "config or disk", code: "generation-not-live", exit: EXIT.gate });
    expect(error.message).toContain(subject.gateway().generation);
  });

  describe("a bad generation", () => {
    it("is refused by its own runtime while the live one goes on", async () => {
      const [pid, live, kept] = [await subject.pid(), await subject.live(), await subject.generations()];
      const payload = subject.gateway();
      const config = payload.files.config.replace('"telemetry"', '"telemetri"');
      const bad = asGeneration({ ...payload, files: { ...payload.files, config } });
      const error = errorOf("gateway", await apply(bad));
      expect(error).toMatchObject({ layer: "config or disk", code: "config-invalid", exit: EXIT.gate });
      expect(error.message).toContain("telemetri");
      expect([await subject.pid(), await subject.live(), await subject.generations()]).toEqual([pid, live, kept]);
      expect(await bench.output(`ls ${home()}/.gatehouse`)).not.toMatch(/switch\.json|candidate/);
    });

    it("is refused by the vendor's policy before anything is touched", async () => {
      const [pid, live, kept] = [await subject.pid(), await subject.live(), await subject.generations()];
      const payload = subject.gateway();
      const config = payload.files.config.replace('"bind": "loopback"', '"bind": "lan"');
      const bad = asGeneration({ ...payload, files: { ...payload.files, config } });
      const error = errorOf("gateway", await apply(bad));
      expect(error).toMatchObject({ layer: "config or disk", code: "policy-finding", exit: EXIT.gate });
      expect(error.message).toContain("policy/gateway-non-loopback-bind");
      expect([await subject.pid(), await subject.live(), await subject.generations()]).toEqual([pid, live, kept]);
    });

    it("whose process cannot start gives way to the previous one, which serves again", async () => {
      const [live, kept] = [await subject.live(), await subject.generations()];
      const payload = subject.gateway();
      const unit = payload.files.unit.replace("gateway --port", "gateway --prt");
      const error = errorOf("gateway", await apply(asGeneration({ ...payload, files: { ...payload.files, unit } })));
      expect(error).toMatchObject({ layer: "gateway session", code: "start-failed", exit: EXIT.gate });
      expect(error.message).toContain("--prt");
      expect(error.message).toContain(`the previous generation ${payload.generation} is serving again`);
      expect([await subject.live(), await subject.generations()]).toEqual([live, kept]);
      expect(await subject.readyz()).toContain('"ready":true');
      expect(await bench.output(`cat ${home()}/.config/systemd/user/${payload.unit}`)).not.toContain("--prt");
      await subject.confirm();
    });

    it("that another version answers for gives way, too", async () => {
      const payload = subject.gateway();
      const error = errorOf("gateway", await apply(asGeneration({ ...payload, openclawVersion: "2026.9.7" })));
      expect(error).toMatchObject({ layer: "runtime", code: "wrong-version", exit: EXIT.gate });
      expect(error.message).toMatch(/OpenClaw 2026\.9\.6 answers .* expected 2026\.9\.7; the previous generation/);
      const record = await bench.output(`cat ${home()}/.gatehouse/snapshots/2026.9.6/snapshot.json`);
      const { databases } = JSON.parse(record) as { databases: { path: string; version: number }[] };
      expect(databases.map(({ path }) => path)).toEqual(
        expect.arrayContaining(["state/openclaw.sqlite", "agents/research/agent/openclaw-agent.sqlite"]),
      );
      for (const { version } of databases) expect(version).toBeGreaterThan(0);
      expect(await subject.readyz()).toContain('"ready":true');
      expect(await subject.live()).toBe(`generations/${payload.generation}`);
    });
  });

  describe("a changed key", () => {
    let first: string;

    it("makes a new generation, although the program was killed in the middle of the switch", async () => {
      first = subject.gateway().generation;
      await change("research");
      const payload = subject.gateway();
      expect(payload.generation).not.toBe(first);
      const program = `/opt/gatehouse/program/${bench.programId}/gatehouse-node`;
      const killed = await bench.output(
        `exec 2>/dev/null; cat > /root/payload; setsid ${program} apply gateway --known </root/payload >/root/log 2>&1 & phase=$!
         for _ in $(seq 600); do [ -e ${home()}/.gatehouse/switch.json ] && break; sleep 0.05; done
         kill -9 $(cat /proc/$phase/task/*/children) $phase; rm /root/payload; cat ${home()}/.gatehouse/switch.json`,
        JSON.stringify(payload),
      );
      expect(JSON.parse(killed)).toMatchObject({ state: "switching", from: first, to: payload.generation });
      expect(await subject.live()).toBe(`generations/${first}`);

      const value = valueOf(await apply());
      expect(value).toMatchObject({ action: "switched", previousGeneration: first, rollbackPoints: 1 });
      expect(await subject.live()).toBe(`generations/${payload.generation}`);
      expect(await subject.generations()).toEqual([first, payload.generation].sort());
    });

    it("is taken back when nobody confirms it, and stays refused to nobody who comes late", async () => {
      const { generation } = subject.gateway();
      expect(await subject.asUser("systemctl --user list-timers --no-legend gatehouse-dead-man.timer")).not.toBe("");
      // what the timer starts after three minutes
      await subject.asUser(`systemctl --user start ${DEAD_MAN}`);
      await bench.output(`for _ in $(seq 240); do [ -e ${home()}/.gatehouse/switch.json ] || exit 0; sleep 0.25; done; exit 1`); // prettier-ignore
      expect(await subject.live()).toBe(`generations/${first}`);
      expect(await subject.readyz()).toContain('"ready":true');
      expect(await bench.output(`cat ${home()}/.openclaw/gateway.systemd.env`)).not.toContain(subject.keys["research"]);
      expect(JSON.parse(await bench.output(`cat ${home()}/.gatehouse/rolled-back.json`))).toEqual({ generation, reason: "unconfirmed" }); // prettier-ignore

      const late = await subject.confirm();
      expect(late.stderr).toContain(`${generation} was taken back because nobody confirmed it`);
      expect(await subject.live()).toBe(`generations/${generation}`);
      expect(await bench.output(`ls ${home()}/.gatehouse`)).not.toMatch(/switch\.json|rolled-back/);
      expect(await bench.output(`cat ${home()}/.openclaw/gateway.systemd.env`)).toContain(subject.keys["research"]);
    });

    it("is taken back at a boot, too; the gateway serves without a login", async () => {
      const confirmed = subject.gateway().generation;
      await change("builder");
      const { generation, unit } = await subject.switchOnly();
      // two are kept: this one and the one to return to
      expect(await subject.generations()).toEqual([confirmed, generation].sort());
      await bench.node.reboot();
      await subject.untilReady();
      expect(await subject.live()).toBe(`generations/${confirmed}`);
      expect(await subject.asUser(`systemctl --user show -P NRestarts -P ActiveState ${unit}`)).toBe("0\nactive");
      const settled = await subject.asUser("journalctl --user -u gatehouse-settle.service -o cat --no-pager || true");
      expect(settled).toContain("Finished");
      const expected = { generation, reason: "unconfirmed" };
      expect(JSON.parse(await bench.output(`cat ${home()}/.gatehouse/rolled-back.json`))).toEqual(expected);
      expect(await subject.pid()).toBeGreaterThan(1);
    });
  });

  describe("a rotation that is killed", () => {
    const until = (condition: string) => `for _ in $(seq 1200); do ${condition} && break; sleep 0.02; done`;
    const generations = () => `${home()}/.gatehouse/generations`;
    const pidOf = () => `$(systemctl --user --machine=${subject.user}@ show -P MainPID openclaw-gateway.service)`;

    it.each([
      ["with the new generation staged", (next: string) => `[ -e ${generations()}/${next}/manifest.json ]`],
      ["with the way back on record", () => `[ -e ${home()}/.gatehouse/switch.json ]`],
      ["with its process just started", (_: string, pid: number) => `[ "${pidOf()}" != ${pid} ]`],
      ["before its confirmation", () => `grep -q unconfirmed ${home()}/.gatehouse/switch.json`],
    ] as const)("%s leaves the old or the new key serving, and goes on", async (_name, condition) => {
      const [old, pid] = [subject.keys["research"] ?? "", await subject.pid()];
      await change("research");
      const payload = subject.gateway();
      const fresh = subject.keys["research"] ?? "";
      const program = `/opt/gatehouse/program/${bench.programId}/gatehouse-node`;
      await bench.output(
        `exec 2>/dev/null; cat > /root/payload; setsid ${program} apply gateway --known </root/payload >/root/log 2>&1 & phase=$!
         ${until(condition(payload.generation, pid))}
         kill -9 $(cat /proc/$phase/task/*/children) $phase; rm /root/payload`,
        JSON.stringify(payload),
      );
      await subject.untilReady();
      const environment = await bench.output(`tr '\\0' '\\n' < /proc/${await subject.pid()}/environ`);
      const file = await bench.output(`cat ${home()}/.openclaw/gateway.systemd.env`);
      for (const text of [environment, file]) expect([old, fresh].filter((key) => text.includes(key))).toHaveLength(1);

      valueOf(await apply());
      await subject.confirm();
      expect(await bench.output(`tr '\\0' '\\n' < /proc/${await subject.pid()}/environ`)).toContain(fresh);
      expect(await subject.live()).toBe(`generations/${payload.generation}`);
    });
  });

  it("has shown no secret to another user, in a command line, the unit or the journal", async () => {
    // everything that was written since the node was made; the list of secrets itself shows that the search finds them
    const everything = "/etc /home /opt/gatehouse/program /root /run /srv /tmp /var";
    await bench.output("install -m 0644 /dev/stdin /home/nosudo/secrets", `${secrets.join("\n")}\n`);
    const readable = await bench.node.exec(`grep -rlaF --devices=skip -f /home/nosudo/secrets ${everything} 2>/dev/null`, { user: "nosudo" }); // prettier-ignore
    expect(readable.stdout.trim().split("\n")).toEqual(["/home/nosudo/secrets"]);
    await bench.output("rm /home/nosudo/secrets");
    const expected = /^\/home\/oc-team-a\/(\.gatehouse\/(agents\/(research|builder)\/credentials\.json|generations\/g-[0-9a-f]{16}\/gateway\.env)|\.openclaw\/gateway\.systemd\.env)$/; // prettier-ignore
    const found = (await filesWith(secrets, everything)).filter((path) => !path.startsWith(WATCH));
    expect(found.filter((path) => !expected.test(path))).toEqual([]);
    expect(found).toHaveLength(5);

    await bench.output(`sh -c 'sleep 1; :' ${SEEN}`);
    const argv = (await bench.output(`cat ${WATCH}/argv`)).split("\n");
    expect([...new Set(argv)]).toEqual([SEEN]);
    const journal = await bench.output(`journalctl --no-pager -o export | grep -caF -f ${WATCH}/secrets || true`);
    expect(journal).toBe("0");
  });

  it("loses every trace of an agent's key with the agent, and keeps its workspace", async () => {
    await bench.output(`setpriv --reuid ${subject.user} --regid ${subject.user} --clear-groups touch ${home()}/workspaces/builder/kept`); // prettier-ignore
    const gone = subject.agent("builder");
    delete subject.keys["builder"];
    const payload = await subject.switchOnly();
    const early = valueOf(await bench.remove("agent", gone));
    expect(early.removed, "the generation to return to needs it").toEqual([]);
    await subject.confirm(payload);
    expect(valueOf(await bench.remove("agent", gone)).removed).toContain("credentials of agent builder");
    const keys = secrets.filter((secret) => secret.includes("-builder-"));
    expect(keys).not.toEqual([]);
    expect(await filesWith(keys, home())).toEqual([]);
    expect(await bench.output(`ls ${home()}/workspaces/builder; ls ${home()}/.gatehouse/agents`)).toBe(
      "kept\nresearch",
    );
    expect(valueOf(await bench.remove("agent", gone))).toEqual({ removed: [], kept: [] });
    expect(await subject.readyz()).toContain('"ready":true');
  });

  describe("removed", () => {
    it("stops, and leaves state and workspaces, but no unit, configuration or secret", async () => {
      const payload = subject.gateway();
      const removed = valueOf(await bench.remove("gateway", payload));
      expect(removed.removed).toContain(payload.unit);
      expect(removed.kept).toEqual([`state ${home()}/.openclaw`, `workspaces ${home()}/workspaces`]);
      expect(await subject.readyz()).toBe("");
      expect(
        await subject.asUser("systemctl --user list-unit-files --no-legend 'openclaw*' 'gatehouse*' || true"),
      ).toBe("");
      expect(await subject.generations()).toEqual([]);
      valueOf(await bench.remove("agent", subject.agent("research")));
      expect(await filesWith(secrets, home())).toEqual([]);
      const left = await bench.output(`cd ${home()}; ls -d .openclaw/openclaw.json* .openclaw/gateway.systemd.env .gatehouse/current 2>/dev/null; ls .openclaw/agents workspaces`); // prettier-ignore
      expect(left).toBe(".openclaw/agents:\nbuilder\nresearch\n\nworkspaces:\nbuilder\nresearch");
      expect(valueOf(await bench.remove("gateway", payload)).removed).toContain("0 generations");
    });

    it("needs its runtime no more", async () => {
      const { removed, kept } = valueOf(await bench.remove("runtime", subject.runtime));
      expect({ removed: removed.length, kept }).toEqual({ removed: 1, kept: [] });
    });

    it("takes state and workspaces with the user when that is asked for", async () => {
      valueOf(await bench.remove("account", { ...subject.account, purge: true }));
      expect(await bench.output(`getent passwd ${subject.user}; ls /home | grep ${subject.user} || true`)).toBe("");
      expect(valueOf(await bench.remove("gateway", subject.gateway()))).toEqual({ removed: [], kept: [] });
    });
  });
});
