import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import type { LedgerLine } from "../../operations/outputs.ts";
import { lastEntries, recordMarkdown } from "../../operations/record/report.ts";
import { readRecord } from "../../operations/record/store.ts";
import type { Rollback } from "../../operations/rollback/rollback.ts";
import type { Rotation } from "../../operations/rotation.ts";
import { canaryKey, FleetBench, type GatewayInput } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEYS = { "team-a-research": canaryKey(), rotated: canaryKey() } as const;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(!(await nodesCanRun()))("rotation", () => {
  let bench: FleetBench;
  let first: readonly LedgerLine[];
  beforeAll(async () => {
    bench = await FleetBench.start("test-rotation", KEYS);
    Object.assign(bench.secrets, { "team-a-research": KEYS["team-a-research"], "team-a-token": canaryKey() });
  }, START_MS);
  afterAll(() => bench.stop());

  const fleet = (changes: Partial<GatewayInput> = {}) =>
    bench.fleet([bench.gateway("team-a", 0, ["research"], { token: "pulumi://team-a-token", ...changes })]);
  const line = (ledger: readonly LedgerLine[], track: LedgerLine["track"]): LedgerLine => {
    const found = ledger.find((entry) => entry.track === track);
    if (found === undefined) throw new Error(`no line of the ${track} track`);
    return found;
  };

  /** What the commands printed. */
  const printed: string[] = [];
  const gatehouse = ([command = "", ...args]: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const all = ["bin/gatehouse", command, "--stack", "rotation", "--state-dir", bench.stateDir, ...args];
      execFile("sh", all, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        printed.push(stdout, stderr);
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });

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
    const { credentials } = JSON.parse((await gatehouse(["credentials", "--json", "--due-within", "365"])).stdout) as {
      credentials: { age: string }[];
    };
    expect(credentials.map(({ age }) => age)).toEqual(["due", "due"]);
    const { status, stdout } = await gatehouse(["credentials"]);
    expect(status).toBe(0);
    expect(stdout).toContain("team-a/research");
  });

  describe("by `gatehouse rotate`", () => {
    const research = ["rotate", "team-a", "--agent", "research", "--provider", "anthropic", "--yes", "--json"];
    const token = ["rotate", "team-a", "--token", "--yes", "--json"];
    /** Puts secrets and the fleet where a later command finds them. */
    const put = (changes: Partial<GatewayInput> = {}) => bench.open("rotation", fleet(changes));
    const records = async (): Promise<Record<string, unknown>[]> => {
      const text = await readFile(join(bench.stateDir, "record", "rotation.jsonl"), "utf8");
      return text.trimEnd().split("\n").map((record) => JSON.parse(record) as Record<string, unknown>); // prettier-ignore
    };
    const pid = () => bench.pid("oc-team-a");
    /** The vendor's command line as the gateway's user; `openclaw ARGS`. */
    const openclaw = async (script: string): Promise<string> => {
      const shell = "runuser -u oc-team-a -- env -i HOME=/home/oc-team-a PATH=/usr/bin:/bin sh -s";
      const lines = [
        "cd; set -a; . .openclaw/gateway.systemd.env; set +a; export XDG_RUNTIME_DIR=/run/user/$(id -u)",
        'field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" "$HOME/.gatehouse/current/manifest.json"; }',
        'openclaw() { "$(field nodePath)" "$(field cliPath)" "$@" </dev/null; }',
        script,
      ];
      return (await bench.node.exec(shell, { stdin: lines.join("\n") })).stdout;
    };
    const devices = async (): Promise<string[]> => {
      const { paired } = JSON.parse(await openclaw("openclaw devices list --json")) as {
        paired: { deviceId: string }[];
      };
      return paired.map(({ deviceId }) => deviceId);
    };
    /** Pairs a client of its own state, which reaches the gateway by a name that is not loopback's. */
    async function pairDevice(name: string): Promise<string> {
      await bench.output("grep -q gateway.local /etc/hosts || echo 127.0.0.1 gateway.local >> /etc/hosts");
      const remote = { url: `ws://gateway.local:${fleet().nodes[0]?.gateways[0]?.port ?? 0}`, token: { source: "env", provider: "default", id: "OPENCLAW_GATEWAY_TOKEN" } }; // prettier-ignore
      const config = JSON.stringify({ gateway: { mode: "remote", remote } });
      const known = await devices();
      await openclaw(
        `export OPENCLAW_STATE_DIR=$HOME/.openclaw/tmp/${name}; mkdir -p "$OPENCLAW_STATE_DIR"
        echo '${config}' > "$OPENCLAW_STATE_DIR/openclaw.json"
        openclaw agent --agent research --message hi; unset OPENCLAW_STATE_DIR
        openclaw devices approve "$(openclaw devices list --json | sed -n 's/.*"requestId": "\\(.*\\)".*/\\1/p')"`,
      );
      const [paired] = (await devices()).filter((id) => !known.includes(id));
      if (paired === undefined) throw new Error(`${name} was not paired`);
      return paired;
    }
    async function expectKey(label: keyof typeof KEYS): Promise<void> {
      const before = bench.provider.records().length;
      expect(await agentTurn(bench.node, { user: "oc-team-a" }, "research")).toMatchObject({ ok: true });
      expect(keyProblem(label, bench.provider.records().slice(before), [])).toBeUndefined();
    }

    it("is refused for a value that serves already, for anything unknown, and for both layers", async () => {
      await put();
      const before = await pid();
      const same = await gatehouse(research);
      expect(same).toMatchObject({ status: 2 });
      expect(same.stdout).toContain("still has the value that serves");
      const unknown = await gatehouse(["rotate", "team-a", "--agent", "nobody", "--provider", "anthropic", "--yes"]);
      expect(unknown.status).toBe(2);
      expect(unknown.stderr).toContain("team-a/research, anthropic");
      expect((await gatehouse(["rotate", "team-a", "--token", "--agent", "research", "--yes"])).status).toBe(2);
      expect(await pid()).toBe(before);
    });

    it("is refused when the run would change anything else", async () => {
      bench.secrets["team-a-research"] = KEYS.rotated;
      await put({ heapMebibytes: 3000 });
      const before = await pid();
      const refused = await gatehouse(research);
      expect(refused.status).toBe(2);
      expect(refused.stdout).toContain("more than team-a/research, anthropic: team-a, configuration");
      expect(await pid()).toBe(before);
    });

    it("is taken back when the process does not get the new value, and is on record", async () => {
      await put();
      const unit = "/home/oc-team-a/.config/systemd/user/openclaw-gateway.service.d";
      const plant = `mkdir ${unit} && cat > ${unit}/stale.conf`;
      const variables = "/home/oc-team-a/.openclaw/stale.env";
      await bench.output(`printf 'OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY=sk-stale' > ${variables}`);
      const dropIn = `[Service]\nEnvironmentFile=${variables}\n`;
      expect((await bench.node.exec(plant, { stdin: dropIn })).code).toBe(0);
      const live = await bench.output("readlink /home/oc-team-a/.gatehouse/current");
      const failed = await gatehouse(research);
      await bench.output(`rm -r ${unit} ${variables}`);
      expect(failed.status).toBe(1);
      expect(failed.stdout).toContain('"code": "stale-environment"');
      expect(await bench.output("readlink /home/oc-team-a/.gatehouse/current")).toBe(live);
      expect((await records()).at(-1)).toMatchObject({ action: "rotate", outcome: "failed", detail: { credential: "team-a/research, anthropic" }, failures: [{ code: "stale-environment" }] }); // prettier-ignore
    });

    /** Fingerprint of the key that the rotation took away. */
    let replaced: string;

    it("goes on afterwards: the agent sends the new key, which is proven and on record", async () => {
      const done = await gatehouse(research);
      expect(done.status, done.stderr).toBe(0);
      const { before, after, proof, interruptionSeconds } = JSON.parse(done.stdout) as Rotation;
      replaced = before.fingerprint ?? "";
      expect(after.fingerprint).not.toBe(before.fingerprint);
      expect(proof).toEqual({ variables: 2, oldTokenRefused: null, unconfirmedAgents: [] });
      expect(interruptionSeconds).toBeGreaterThan(1);
      await expectKey("rotated");
      expect((await records()).at(-1)).toMatchObject({
        outcome: "done",
        credentials: [
          { credential: "team-a/research, anthropic", before: before.fingerprint, after: after.fingerprint },
        ],
        blastRadius: { nodes: 1, gateways: 1 },
        detail: { after: { fingerprint: after.fingerprint } },
      });
      const record = await readRecord(bench.stateDir, "rotation");
      expect(record.problems).toEqual([]);
      expect(recordMarkdown(lastEntries(record, 1))).toContain("team-a/research, anthropic");
    });

    it("is undone by `gatehouse rollback`, and done again, both proven and on record", async () => {
      const back = ["rollback", "team-a", "--yes", "--json"];
      const unknown = await gatehouse([...back, "--to", "g-0000000000000000"]);
      expect([unknown.status, unknown.stdout]).toEqual([2, expect.stringContaining("can go back to g-")]);
      const undone = await gatehouse(back);
      expect(undone.status, undone.stderr).toBe(0);
      const { from, to, credentials } = JSON.parse(undone.stdout) as Rollback;
      expect(credentials).toMatchObject([{ track: "provider", agent: "research", after: replaced }]);
      const live = await bench.output("cat /home/oc-team-a/.gatehouse/current/manifest.json");
      expect(live).toContain(replaced);
      expect((await records()).at(-1)).toMatchObject({
        action: "rollback",
        outcome: "done",
        gateways: [{ gateway: "team-a", generation: { before: from, after: to }, rollbackPoint: from }],
        credentials: [{ credential: "team-a/research, anthropic", after: credentials[0]?.after }],
      });
      const drifted = await gatehouse(["drift", "--json"]);
      expect([drifted.status, drifted.stdout]).toEqual([1, expect.stringContaining('"kind": "generation"')]);
      const again = await gatehouse([...back, "--to", from]);
      expect(again.status, again.stderr).toBe(0);
      await expectKey("rotated");
      expect((await gatehouse(["drift"])).status).toBe(0);
      expect((await readRecord(bench.stateDir, "rotation")).problems).toEqual([]);
    });

    it("changes a token that came by reference; the one before is refused, and devices that nobody keeps lose their pairing", async () => {
      const [phone, laptop] = [await pairDevice("phone"), await pairDevice("laptop")];
      await put({ keepDevices: [laptop] });
      expect((await gatehouse(["up", "--yes"])).status).toBe(0);
      expect((await devices()).sort()).toEqual([phone, laptop].sort());
      bench.secrets["team-a-token"] = canaryKey();
      await put({ keepDevices: [laptop] });
      const done = await gatehouse(token);
      expect(done.status, done.stderr).toBe(0);
      expect(JSON.parse(done.stdout)).toMatchObject({
        proof: { oldTokenRefused: true },
        devices: { removed: [{ id: phone, client: "cli" }], kept: [{ id: laptop }] },
      });
      expect(await devices()).toEqual([laptop]);
      expect((await records()).at(-1)).toMatchObject({ detail: { devices: { removed: [{ id: phone }] } } });
      await expectKey("rotated");
    });

    it("changes a generated token", async () => {
      await put({ token: undefined });
      expect((await gatehouse(["up", "--yes"])).status).toBe(0);
      const done = await gatehouse(token);
      expect(done.status, done.stderr).toBe(0);
      expect(JSON.parse(done.stdout)).toMatchObject({ before: { ref: null }, proof: { oldTokenRefused: true } });
    });

    describe("of a key that is delivered by file", () => {
      const byFile = (): Partial<GatewayInput> => ({
        agents: bench.gateway("team-a", 0, ["research"]).agents.map((agent) => ({
          ...agent,
          credentials: agent.credentials.map((credential) => ({ ...credential, delivery: "file" as const })),
        })),
      });
      const home = "/home/oc-team-a";

      it("has it in a private file and in no variable", async () => {
        await put(byFile());
        const up = await gatehouse(["up", "--yes"]);
        expect(up.status, up.stderr).toBe(0);
        expect(await bench.output(`stat -c '%a %U' ${home}/.config/gatehouse/keys.json`)).toBe("600 oc-team-a");
        expect(await bench.output(`grep -c _ANTHROPIC_KEY ${home}/.openclaw/gateway.systemd.env || true`)).toBe("0");
        await expectKey("rotated");
      });

      it("changes it without a restart; the next turn sends the new one", async () => {
        bench.secrets["team-a-research"] = KEYS["team-a-research"];
        await put(byFile());
        const before = await pid();
        const done = await gatehouse(research);
        expect(done.status, done.stderr).toBe(0);
        expect(JSON.parse(done.stdout)).toMatchObject({
          interruptionSeconds: 0,
          proof: { variables: 1, unconfirmedAgents: ["research"] },
        });
        expect(await pid()).toBe(before);
        await expectKey("team-a-research");
        const diagnosed = await gatehouse(["diagnose", "team-a", "--json"]);
        expect(JSON.parse(diagnosed.stdout)).toMatchObject({ verdict: "healthy" });
      });
    });

    it("leaves a record that is private, and no secret anywhere", async () => {
      expect((await stat(join(bench.stateDir, "record", "rotation.jsonl"))).mode & 0o777).toBe(0o600);
      const everything = [await bench.operatorBytes(), ...printed].join("\n");
      for (const secret of [...Object.values(bench.secrets), ...Object.values(KEYS)]) {
        expect(everything).not.toContain(secret);
      }
    });
  });
});
