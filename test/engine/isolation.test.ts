import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import type { ToolCall } from "../../sandbox/provider/index.ts";
import { REACH_OVER_TOOLS } from "../../spec/index.ts";
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
      const audit = JSON.parse(await openclaw(user, "security audit --json")) as { summary: { critical: number } };
      expect(audit.summary.critical, JSON.stringify(audit)).toBe(0);
      expect(JSON.parse(await openclaw(user, "config validate --json"))).toMatchObject({ valid: true });
    }
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

  /** The vendor's command line as the gateway's user, with the unit's variables. */
  async function openclaw(user: string, args: string): Promise<string> {
    const script = `cd; set -a; . .openclaw/gateway.systemd.env; set +a
      field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" .gatehouse/current/manifest.json; }
      exec "$(field nodePath)" "$(field cliPath)" ${args} </dev/null`;
    const { stdout } = await bench.node.exec(
      `runuser -u ${user} -- env -i HOME=/home/${user} XDG_RUNTIME_DIR=/run/user/$(id -u ${user}) PATH=/usr/bin:/bin sh -s`,
      { stdin: script },
    );
    return stdout;
  }
});
