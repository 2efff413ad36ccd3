import { spawn, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import type { ToolCall } from "../../sandbox/provider/index.ts";
import { REACH_OVER_TOOLS, type FleetInput } from "../../spec/index.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

/** One agent of every preset; `operator` is alone in its gateway, `editor` is a coder without a sandbox. */
const KEYS = {
  "team-a-watcher": canaryKey(),
  "team-a-reader": canaryKey(),
  "team-a-editor": canaryKey(),
  "team-a-coder": canaryKey(),
  "team-b-admin": canaryKey(),
} as const;
type Label = keyof typeof KEYS;

const SHARED = "/srv/handbook";
const USER_A = "oc-team-a";
const USER_B = "oc-team-b";

describe.skipIf(!(await nodesCanRun()))("agents of two gateways", () => {
  let bench: FleetBench;
  let tokens: Readonly<Record<string, string>> = {};
  /** What the model of each key does next, what it was offered, and what its tools gave. */
  const plans = new Map<string, ToolCall>();
  const offered = new Map<string, readonly string[]>();
  const results = new Map<string, string>();
  /** Whose helper calls may still come. */
  const earlier: Label[] = [];

  beforeAll(async () => {
    bench = await FleetBench.start("test-isolation", KEYS, ({ key, tools, results: given }) => {
      if (tools.length > 0) offered.set(key, tools);
      if (given.length > 0) results.set(key, given.join("\n"));
      const plan = plans.get(key);
      plans.delete(key);
      return plan;
    });
    Object.assign(bench.secrets, KEYS);
    await bench.output(`mkdir -p ${SHARED} && echo the-rules > ${SHARED}/rules && chmod -R o= ${SHARED}`);
    const report = await bench.up("prod", bench.fleet([teamA(), teamB()]));
    tokens = report.outputs.gatewayTokens;
  }, START_MS + 240_000);
  afterAll(() => bench.stop());

  const withPermissions = (gateway: ReturnType<FleetBench["gateway"]>, of: Record<string, object>) => ({
    ...gateway,
    agents: gateway.agents.map((agent) => ({ ...agent, ...of[agent.id] })),
  });
  const teamA = () =>
    withPermissions(bench.gateway("team-a", 0, ["watcher", "reader", "editor", "coder"]), {
      reader: { permissions: { preset: "reader" }, sharedDirectories: [SHARED] },
      editor: { permissions: { preset: "coder", exec: "deny" } },
      coder: { permissions: { preset: "coder" } },
    });
  const teamB = () =>
    withPermissions(bench.gateway("team-b", 1, ["admin"]), { admin: { permissions: { preset: "operator" } } });

  /** One turn whose model calls a tool; what the tool gave. */
  async function turnWith(label: Label, call: ToolCall): Promise<string> {
    plans.set(label, call);
    results.delete(label);
    const [, gateway, agent] = /^(team-.)-(.*)$/.exec(label) ?? [];
    expect(await agentTurn(bench.node, { user: `oc-${gateway ?? ""}` }, agent ?? "")).toMatchObject({ ok: true });
    return results.get(label) ?? "";
  }
  /** Keys that came since then, but for late helper calls of other agents' turns. */
  const keysSince = (before: number) =>
    bench.provider
      .records()
      .slice(before)
      .map(({ key }) => key)
      .filter((key) => !earlier.some((label) => label === key && !["team-a-watcher", "team-a-coder"].includes(key)));
  const tools = (label: Label): readonly string[] => offered.get(label) ?? [];

  it("each send their own key, and nobody else's", async () => {
    for (const [label, user] of [
      ["team-a-watcher", USER_A],
      ["team-a-reader", USER_A],
      ["team-a-editor", USER_A],
      ["team-b-admin", USER_B],
    ] as const) {
      const before = bench.provider.records().length;
      expect(await agentTurn(bench.node, { user }, label.slice("team-x-".length))).toMatchObject({ ok: true });
      expect(keyProblem(label, bench.provider.records().slice(before), earlier)).toBeUndefined();
      earlier.push(label);
    }
  });

  it("are offered what their preset says", () => {
    // the vendor defers tools beyond the core ones behind these three, which only find what the policy lets through
    const direct = (label: Label) => tools(label).filter((tool) => !tool.startsWith("tool_"));
    expect(direct("team-a-watcher")).toEqual([]);
    expect(direct("team-a-reader")).toEqual(["read"]);
    expect(direct("team-a-editor")).toEqual(expect.arrayContaining(["read", "write", "edit"]));
    expect(direct("team-a-editor")).not.toContain("exec");
    expect(direct("team-b-admin")).toEqual(expect.arrayContaining(["read", "write", "exec"]));
    for (const label of ["team-a-watcher", "team-a-reader", "team-a-editor", "team-b-admin"] as const) {
      expect(tools(label).filter((tool) => REACH_OVER_TOOLS.includes(tool))).toEqual([]);
    }
  });

  it("without a sandbox to run commands in fail, and send nothing", async () => {
    const before = bench.provider.records().length;
    expect(await agentTurn(bench.node, { user: USER_A }, "coder")).toMatchObject({ ok: false });
    expect(keysSince(before)).toEqual([]);
  });

  it("read what is shared with them, and no file of their gateway", async () => {
    expect(await turnWith("team-a-reader", { tool: "read", input: { path: "shared/handbook/rules" } })).toContain("the-rules"); // prettier-ignore
    const config = await turnWith("team-a-reader", { tool: "read", input: { path: `/home/${USER_A}/.openclaw/openclaw.json` } }); // prettier-ignore
    expect(config).not.toBe("");
    expect(config).not.toContain("OPENCLAW_GATEWAY_TOKEN");
    const peek = { tool: "read", input: { path: `${SHARED}/rules` } };
    expect(await turnWith("team-a-editor", peek)).not.toContain("the-rules");
  });

  it("with commands on the host see their own key and no other", async () => {
    const [pid, uid] = [await bench.pid(USER_A), await bench.output(`id -u ${USER_A}`)];
    // into a file: the vendor masks what looks like a key on its way to the model
    const command = `{ ${[
      "env",
      `cat /proc/${pid}/environ /home/${USER_A}/.openclaw/gateway.systemd.env ${SHARED}/rules`,
      `ls /home/${USER_A} /run/user/${uid}`,
      "cat /proc/[0-9]*/environ",
      "echo done",
    ].join("; ")}; } >seen 2>&1`;
    await turnWith("team-b-admin", { tool: "exec", input: { command } });
    const seen = await bench.output(`tr '\\0' '\\n' < /home/${USER_B}/workspaces/admin/seen`);
    expect(seen).toContain(KEYS["team-b-admin"]);
    expect(seen).toContain("done");
    expect(seen).not.toContain("the-rules");
    const foreign = Object.entries({ ...KEYS, token: tokens["team-a"] ?? "" }).filter(([label]) => label !== "team-b-admin"); // prettier-ignore
    expect(foreign.length).toBe(5);
    for (const [label, secret] of foreign) expect(seen.includes(secret), label).toBe(false);
  });

  it("live under users that see nothing of each other", async () => {
    for (const [own, other] of [
      [USER_A, USER_B],
      [USER_B, USER_A],
    ] as const) {
      const [pid, uid] = [await bench.pid(other), await bench.output(`id -u ${other}`)];
      const look = `find /home/${other} /run/user/${uid} -readable 2>/dev/null; cat /proc/${pid}/environ 2>/dev/null`;
      expect(await bench.output(`runuser -u ${own} -- sh -c '${look}' || true`)).toBe("");
      // the same look finds it as its owner, so it works
      expect(await bench.output(`runuser -u ${other} -- sh -c '${look}'`)).toContain("OPENCLAW_GATEWAY_TOKEN");
    }
    const modes = await bench.output(`stat -c %a /home/oc-team-?/workspaces/* /home/${USER_A}/workspaces/reader/shared/handbook`); // prettier-ignore
    expect(new Set(modes.split("\n"))).toEqual(new Set(["700"]));
  });

  it("pass the vendor's own audit with every preset", async () => {
    for (const user of [USER_A, USER_B]) {
      const audit = JSON.parse(await bench.openclaw(user, "security audit --json")) as {
        summary: { critical: number };
      };
      expect(audit.summary.critical, JSON.stringify(audit)).toBe(0);
      expect(JSON.parse(await bench.openclaw(user, "config validate --json"))).toMatchObject({ valid: true });
    }
  });

  describe("and runners and people", () => {
    const RUNNER = { name: "runner-1", kind: "ci-runner" as const, environment: "staging" };
    const PERSON = { name: "on-call", kind: "person" as const, environment: "staging" };
    type Access = NonNullable<FleetInput["nodes"][number]["gateways"][number]["access"]>;
    const TUNNEL: Access = [{ principal: "runner-1", from: ["127.0.0.1"] }];
    const COMMAND: Access = [
      { principal: "on-call", tunnel: "none", command: '/bin/echo "only $SSH_ORIGINAL_COMMAND"' },
    ];
    const up = async (access: Access, principals: NonNullable<FleetInput["principals"]>) =>
      await bench.up("prod", { ...bench.fleet([teamA(), { ...teamB(), access }]), principals });
    const file = (name: string) => join(bench.directory, name);

    /** `ssh` with one key, as the second gateway's user; what it printed and how it ended. */
    function ssh(key: string, ...args: readonly string[]): { readonly code: number | null; readonly text: string } {
      const { host, port } = bench.node.ssh;
      const options = ["-T", "-i", key, "-p", String(port), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"];
      const unknown = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
      const done = spawnSync("ssh", [...options, ...unknown, ...args.slice(0, -1), `${USER_B}@${host}`, args.at(-1) ?? ""], { encoding: "utf8", input: "GET /readyz HTTP/1.0\r\n\r\n", timeout: 30_000 }); // prettier-ignore
      return { code: done.status, text: `${done.stdout}${done.stderr}` };
    }
    /** A request to a port of the node through the connection itself. */
    const through = (key: string, port: number, ...args: readonly string[]) =>
      ssh(key, ...args, "-W", `127.0.0.1:${port}`, "");
    let port: number;

    it("come in with keys of their own, which are on the ledger and in no state in clear", async () => {
      port = teamB().port;
      const { outputs } = await up([...TUNNEL, ...COMMAND], [RUNNER, PERSON]);
      for (const [name, key] of Object.entries(outputs.principalKeys)) {
        await writeFile(file(name), key, { mode: 0o600 });
        expect(key).toContain("OPENSSH PRIVATE KEY");
        expect(await bench.operatorBytes()).not.toContain(key.split("\n")[2]);
      }
      const lines = outputs.ledger.filter(({ track }) => track === "access");
      expect(lines).toMatchObject([
        { principal: "runner-1", gateway: "team-b", variable: null, ref: null },
        { principal: "on-call", gateway: "team-b" },
      ]);
      for (const line of lines) {
        expect(line.fingerprint).toBe(outputs.principals.find(({ name }) => name === line.principal)?.fingerprint);
        expect(Date.parse(line.due ?? "") - Date.parse(line.rotated ?? "")).toBe(90 * 24 * 60 * 60 * 1000);
      }
    });

    it("reach the gateway's port and no other, and open no shell", () => {
      expect(through(file("runner-1"), port).text).toContain('"ready":true');
      expect(through(file("runner-1"), teamA().port).text).not.toContain("ready");
      expect(through(file("runner-1"), bench.node.ssh.port).text).not.toContain("SSH-2.0");
      const shell = ssh(file("runner-1"), "id");
      expect(shell.code).not.toBe(0);
      expect(shell.text).not.toContain("uid=");
      expect(ssh(file("runner-1"), "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22", "true").text).toMatch(
        /remote port forwarding failed/,
      );
    });

    it("run the one command whatever they ask for", () => {
      expect(ssh(file("on-call"), "id")).toEqual({ code: 0, text: "only id\n" });
      expect(through(file("on-call"), port).text).not.toContain("ready");
    });

    it("come from where they may, and only with a key of the list", () => {
      expect(through(file("runner-1"), port, "-b", "127.0.0.2").text).toContain("Permission denied");
      expect(ssh(bench.node.ssh.identityFile, "id").text).toContain("Permission denied");
    });

    it("change nothing the second time", async () => {
      const report = await up([...TUNNEL, ...COMMAND], [RUNNER, PERSON]);
      expect(Object.keys(report.changes)).toEqual(["same"]);
    });

    it("lose an old key at once, with the session that is open", async () => {
      const options = ["-N", "-i", file("runner-1"), "-p", String(bench.node.ssh.port), "-o", "IdentitiesOnly=yes"];
      const unknown = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
      const session = spawn("ssh", [...options, ...unknown, `${USER_B}@${bench.node.ssh.host}`], { stdio: "ignore" });
      const ended = new Promise((resolve) => session.once("exit", resolve));
      await bench.until(`pgrep -u ${USER_B} -x sshd`);
      const { outputs } = await up([...TUNNEL, ...COMMAND], [{ ...RUNNER, keyVersion: 2 }, PERSON]);
      await ended;
      expect(through(file("runner-1"), port).text).toContain("Permission denied");
      await writeFile(file("runner-1"), outputs.principalKeys["runner-1"] ?? "", { mode: 0o600 });
      expect(through(file("runner-1"), port).text).toContain('"ready":true');
      const line = outputs.ledger.find(({ principal }) => principal === "runner-1");
      expect(Date.parse(line?.rotated ?? "")).toBeGreaterThan(Date.parse(line?.issued ?? ""));
    });

    it("stop an `up` that would have to touch a key which Gatehouse did not write", async () => {
      const keys = `/home/${USER_B}/.ssh/authorized_keys`;
      expect(await bench.output(`stat -c '%a %U' ${keys} /home/${USER_B}/.ssh`)).toBe("600 oc-team-b\n700 oc-team-b");
      await bench.output(`ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key >> ${keys}`);
      const fleet = {
        ...bench.fleet([teamA(), { ...teamB(), access: TUNNEL }]),
        principals: [{ ...RUNNER, keyVersion: 2 }],
      };
      const error = await bench.failedUp("prod", fleet);
      expect(error.message).toContain("has 1 key that Gatehouse did not write");
      await bench.output(`sed -i '$d' ${keys}`);
    });

    it("are out when the spec does not name them", async () => {
      await up([], []);
      for (const name of ["runner-1", "on-call"]) expect(ssh(file(name), "id").text).toContain("Permission denied");
      expect(await bench.output(`getent passwd ${USER_B} | cut -d: -f7`)).toBe("/usr/sbin/nologin");
      expect((await bench.node.exec(`ls /home/${USER_B}/.ssh/authorized_keys`)).code).not.toBe(0);
    });
  });

  it("fail by themselves when their key never came, and take nobody else's", async () => {
    const file = `/home/${USER_A}/.openclaw/gateway.systemd.env`;
    await bench.output(`sed -i /OPENCLAW_AGENT_WATCHER_ANTHROPIC_KEY=/d ${file}`);
    await bench.output(`systemctl --user --machine=${USER_A}@ restart openclaw-gateway.service`);
    await bench.until(`curl -fsS http://127.0.0.1:${teamA().port}/readyz`);
    const before = bench.provider.records().length;
    const turn = await agentTurn(bench.node, { user: USER_A }, "watcher");
    expect(turn.ok).toBe(false);
    expect(turn.detail).toContain("agents/watcher/agent");
    expect(turn.detail).toContain("is configured but unavailable (secret reference was not found)");
    expect(keysSince(before)).toEqual([]);
    expect(await agentTurn(bench.node, { user: USER_A }, "reader")).toMatchObject({ ok: true });
  });
});
