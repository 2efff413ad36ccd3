import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyProblem } from "../../demo/key-problem.ts";
import { agentTurn } from "../../demo/turn.ts";
import type { Diagnosis } from "../../operations/diagnose/diagnose.ts";
import type { Drift, Repair } from "../../operations/drift/drift.ts";
import { deviationsOf, drift, repair } from "../../operations/drift/drift.ts";
import type { StackOutputs } from "../../operations/outputs.ts";
import { isUnreachable } from "../../remote/visit.ts";
import type { Rotation } from "../../operations/rotation.ts";
import type { FleetInput } from "../../spec/index.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { itsMetrics, METRICS_LEFTOVERS } from "./macos-metrics.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const STACK = "mac";
const USER = "oc-team-a";
const HOME = `/Users/${USER}`;
const LABEL = "org.gatehouse.gateway.team-a";
const JOB = `system/${LABEL}`;
const PLIST = `/Library/LaunchDaemons/${LABEL}.plist`;
const ENVIRONMENT = `${HOME}/.openclaw/service-env/org.gatehouse.gateway.env`;
const RUNNER = { name: "runner-1", kind: "ci-runner" as const, environment: "staging" };
const KEYS = {
  "team-a-research": canaryKey(),
  "team-a-builder": canaryKey(),
  "team-b-writer": canaryKey(),
  rotated: canaryKey(),
};

/** What is shown here holds for the stand-in: launchd, accounts and power settings of its own making. */
describe.skipIf(!(await nodesCanRun()))("a fleet on the stand-in for a Mac", () => {
  let bench: FleetBench;
  let outputs: StackOutputs;
  let powerBefore: string;
  const vault = new VaultStandIn();
  /** What the commands printed. */
  const printed: string[] = [];
  beforeAll(async () => {
    await vault.start();
    vault.store.set("gw/writer", [KEYS["team-b-writer"]]);
    bench = await FleetBench.startMacosStandIn("test-mac-fleet", KEYS);
    Object.assign(bench.secrets, KEYS, { "vault-secret-id": vault.secretId });
    powerBefore = await power();
  }, START_MS);
  afterAll(async () => {
    await bench.stop();
    await vault.stop();
  });

  const teamA = () => bench.gateway("team-a", 0, ["research", "builder"], { purgeOnDestroy: true });
  const fleet = () => bench.fleet([teamA()]);
  /** With a second gateway that listens with HTTPS, lets a runner in, and whose node reads the agent's key by itself. */
  const fleetOfTwo = (): FleetInput => {
    const access = [{ principal: RUNNER.name, from: ["127.0.0.1"] }];
    const { address, roleId } = vault;
    const nodeIdentity = { vault: { address, roleId, secretId: "pulumi://vault-secret-id" } };
    const teamB = bench.gateway("team-b", 1, ["writer"], { purgeOnDestroy: true, https: {}, access, nodeIdentity });
    const credentials = [{ provider: "anthropic", secret: "vault://kv/gw/writer#key", resolve: "node" as const }];
    const agents = teamB.agents.map((agent) => ({ ...agent, credentials }));
    return { ...bench.fleet([teamA(), { ...teamB, agents }]), principals: [RUNNER] };
  };
  const port = (): number => bench.gateway("team-a", 0, []).port;
  const power = (): Promise<string> => bench.output("pmset -g custom | sort");
  const job = (): Promise<string> => bench.output(`launchctl print ${JOB}`);
  const generation = (): Promise<string> => bench.output(`basename "$(readlink ${HOME}/.gatehouse/current)"`);
  const answers = (): Promise<void> => bench.until(`curl -sf -m 5 http://127.0.0.1:${port()}/readyz`);
  const turn = (agent: string) => agentTurn(bench.node, { user: USER, platform: "macos" }, agent);
  const gatehouse = ([command = "", ...args]: readonly string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      const all = ["bin/gatehouse", command, "--stack", STACK, "--state-dir", bench.stateDir, ...args];
      execFile("sh", all, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        printed.push(stdout, stderr);
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  const json = async <T>(args: readonly string[], status = 0): Promise<T> => {
    const done = await gatehouse([...args, "--json"]);
    expect(done.status, done.stdout + done.stderr).toBe(status);
    return JSON.parse(done.stdout) as T;
  };
  const stack = () => bench.open(STACK, fleet());
  const visit = () => ({ names: [], progress: () => undefined, signal: AbortSignal.timeout(300_000) });
  const kinds = (nodes: Drift["nodes"]): string[] =>
    nodes.flatMap(({ answer }) => (isUnreachable(answer) ? ["unreachable"] : deviationsOf(answer).map(({ kind }) => kind))).sort(); // prettier-ignore
  const diagnosed = async (args: readonly string[] = []) => {
    const done = await gatehouse(["diagnose", "team-a", "--json", ...args]);
    const { verdict, code, firstCommand, evidence } = JSON.parse(done.stdout) as Diagnosis;
    return { status: done.status, verdict, code, firstCommand, evidence };
  };

  it("is brought up by the same program as a Linux node, and each agent answers with its own key", async () => {
    outputs = (await bench.up(STACK, fleetOfTwo())).outputs;
    const node = outputs.nodes["box-1"];
    expect(node).toMatchObject({ platform: "macos" });
    expect(node?.gateways["team-a"]).toMatchObject({
      unit: LABEL,
      unitState: "active (running)",
      health: "ready",
      hardening: { profile: "launchd" },
    });
    const earlier: string[] = [];
    for (const agent of ["research", "builder"]) {
      const before = bench.provider.records().length;
      expect(await turn(agent)).toMatchObject({ ok: true });
      expect(keyProblem(`team-a-${agent}`, bench.provider.records().slice(before), earlier)).toBeUndefined();
      earlier.push(`team-a-${agent}`);
    }
  });

  it("runs as a hidden user without a way in, from files that hold no secret", async () => {
    expect(await bench.output(`dscl . -read /Users/${USER} IsHidden UserShell Password`)).toBe("IsHidden: 1\nUserShell: /usr/bin/false\nPassword: *"); // prettier-ignore
    expect(Number(await bench.output(`id -u ${USER}`))).toSatisfy((uid: number) => uid >= 450 && uid <= 499);
    expect(await bench.output(`stat -f '%Lp %Su' ${HOME} ${PLIST} ${ENVIRONMENT}`)).toBe(
      `700 ${USER}\n644 root\n600 ${USER}`,
    );
    const shown = [await job(), await bench.output(`cat ${PLIST}`), await bench.output("ps -axww -o command=")];
    const secrets = [...Object.values(KEYS), ...Object.values(outputs.gatewayTokens)];
    for (const secret of secrets) expect(shown.join("\n")).not.toContain(secret.slice(8, 40));
    expect(await job()).toMatch(/^\tusername = oc-team-a$/m);
    expect(await bench.output("pmset -g custom")).toMatch(/^ sleep\s+0$/m);
  });

  it("reads a key by itself where the spec says so, and has it in no file", async () => {
    expect(outputs.nodes["box-1"]?.gateways["team-b"]?.agents["writer"]?.credentials).toMatchObject([{ resolve: "node", version: "1" }]); // prettier-ignore
    const before = bench.provider.records().length;
    expect(await agentTurn(bench.node, { user: "oc-team-b", platform: "macos" }, "writer")).toMatchObject({ ok: true });
    expect(keyProblem("team-b-writer", bench.provider.records().slice(before), [])).toBeUndefined();
    const filesWith = (key: string): Promise<string> =>
      bench.output(`grep -rlF --binary-files=text -- '${key}' /Users /Library/LaunchDaemons /var/lib/gatehouse /etc /var/log 2>/dev/null; true`); // prettier-ignore
    // so that the silence below means something
    expect(await filesWith(KEYS["team-a-builder"])).toContain(HOME);
    expect(await filesWith(KEYS["team-b-writer"])).toBe("");
    expect(await bench.operatorBytes()).not.toContain(KEYS["team-b-writer"]);
  });

  it("is left alone by a second run, and looks as it was declared", async () => {
    const before = await job();
    expect(Object.keys((await bench.up(STACK, fleetOfTwo())).changes)).toEqual(["same"]);
    expect(await job()).toBe(before);
    expect(await json<Drift>(["drift"])).toMatchObject({ verdict: "none" });
    expect(await json(["audit"])).toMatchObject({ verdict: "clean", violations: [], failures: [] });
    expect(await diagnosed()).toMatchObject({ verdict: "healthy", status: 0 });
  });

  it("lets a runner through to its gateway, which speaks HTTPS, and to nothing else", async () => {
    const { port } = bench.gateway("team-b", 1, []);
    await writeFile(join(bench.directory, "authority.pem"), outputs.certificateAuthority?.certificate ?? "");
    const https = promisify(execFile)("curl", ["-sf", "--cacert", join(bench.directory, "authority.pem"), `https://127.0.0.1:${port}/readyz`]); // prettier-ignore
    expect((await https).stdout).toContain('"ready":true');
    await writeFile(join(bench.directory, "runner"), outputs.principalKeys[RUNNER.name] ?? "", { mode: 0o600 });
    const unknown = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
    const own = ["-T", "-i", join(bench.directory, "runner"), "-p", String(bench.node.ssh.port), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]; // prettier-ignore
    const ssh = (...args: readonly string[]): string => {
      const { stdout, stderr } = spawnSync("ssh", [...own, ...unknown, ...args], { encoding: "utf8", input: "", timeout: 30_000 }); // prettier-ignore
      return stdout + stderr;
    };
    const there = `oc-team-b@${bench.node.ssh.host}`;
    expect(ssh("-W", `127.0.0.1:${port}`, there)).toBe("");
    expect(ssh("-W", `127.0.0.1:${teamA().port}`, there)).toMatch(/forwarding failed/);
    expect(ssh(there, "id")).not.toContain("uid=");
  });

  it("loses one gateway with everything of it, and the other does not notice", async () => {
    const before = await job();
    expect((await bench.up(STACK, fleet())).changes).toHaveProperty("delete");
    expect(await job()).toBe(before);
    expect(await bench.output(`ls /Library/LaunchDaemons /var/lib/gatehouse/units | grep team-b; dscl . -list /Users | grep team-b; ls -d /Users/oc-team-b 2>/dev/null; true`)).toBe(""); // prettier-ignore
    expect(await bench.output("pmset -g custom")).toMatch(/^ sleep\s+0$/m);
  });

  it("takes a new token by `gatehouse rotate`, and the one before is refused", async () => {
    const live = await generation();
    const rotation = await json<Rotation>(["rotate", "team-a", "--token", "--yes"]);
    expect(rotation).toMatchObject({ previousGeneration: live, proof: { oldTokenRefused: true } });
    expect(await generation()).toBe(rotation.generation);
  });

  it("takes a new provider key, which the next turn sends", async () => {
    bench.secrets["team-a-research"] = KEYS.rotated;
    await bench.open(STACK, fleet());
    await json<Rotation>(["rotate", "team-a", "--agent", "research", "--provider", "anthropic", "--yes"]);
    const before = bench.provider.records().length;
    expect(await turn("research")).toMatchObject({ ok: true });
    expect(keyProblem("rotated", bench.provider.records().slice(before), [])).toBeUndefined();
  });

  it("goes back to the generation before, and forward again", async () => {
    const live = await generation();
    await json(["rollback", "team-a", "--yes"]);
    expect(await generation()).not.toBe(live);
    await answers();
    await bench.open(STACK, fleet());
    await json(["up", "--refresh", "--yes"]);
    expect(await generation()).toBe(live);
  });

  it("that somebody edited is seen and mended", async () => {
    await bench.output(`pmset -a sleep 10; sed -i '' 's/>${port()}</>18790</' ${PLIST}; chmod 644 ${ENVIRONMENT}`); // prettier-ignore
    const found = await json<Drift>(["drift"], 1);
    expect(kinds(found.nodes)).toEqual(["mode", "not-reloaded", "sleep", "unit-file"]);
    expect(await json<Repair>(["drift", "--repair", "--yes"])).toMatchObject({ verdict: "none" });
    expect(await json<Drift>(["drift"])).toMatchObject({ verdict: "none" });
  });

  describe("measures itself:", () => {
    itsMetrics({
      gateway: "team-a",
      user: USER,
      home: HOME,
      output: async (command, stdin) => {
        const done = await bench.node.exec(command, stdin === undefined ? {} : { stdin });
        expect(done.code, command + done.stderr).toBe(0);
        return done.stdout.trimEnd();
      },
      ready: answers,
      drifted: async () => {
        const { nodes } = await drift(await stack(), visit());
        return nodes.flatMap(({ answer }) => (isUnreachable(answer) ? ["unreachable"] : deviationsOf(answer).map(({ detail }) => detail))); // prettier-ignore
      },
      repair: async () => {
        expect(await repair(await stack(), visit())).toMatchObject({ verdict: "none" });
      },
      reboot: () => bench.node.reboot(),
    });
  });

  describe("that is broken is diagnosed: ", () => {
    const edit = (from: string, to: string) => `sed -i '' 's|${from}|${to}|' ${ENVIRONMENT}`;
    const reload = `launchctl bootout ${JOB} || true; for _ in 1 2 3 4 5 6 7 8 9; do launchctl print ${JOB} >/dev/null 2>&1 || break; sleep 1; done; launchctl bootstrap system ${PLIST}`; // prettier-ignore
    const keep = `cp -p ${ENVIRONMENT} /var/root/kept.env`;
    const putBack = `cp -p /var/root/kept.env ${ENVIRONMENT}`;
    const cases = {
      "a stopped job": { plant: `launchctl bootout ${JOB}`, verdict: "gateway session", heal: `launchctl bootstrap system ${PLIST}` }, // prettier-ignore
      "a job that will not start at boot": { plant: `launchctl disable ${JOB}`, verdict: "config or disk", heal: `launchctl enable ${JOB}` }, // prettier-ignore
      "a token in the file that the process never read": { plant: `${keep}; ${edit("OPENCLAW_GATEWAY_TOKEN=.*", "OPENCLAW_GATEWAY_TOKEN='another-token-0123456789abcdefABCDEF0123'")}`, verdict: "gateway session", heal: putBack }, // prettier-ignore
      "a key that is missing": { plant: `${keep}; ${edit("^export OPENCLAW_AGENT_RESEARCH.*", "")}; ${reload}`, verdict: "provider credential", heal: `${putBack}; ${reload}` }, // prettier-ignore
    } as const;

    it.each(Object.entries(cases))("%s", async (_, { plant, verdict, heal }) => {
      await bench.output(plant);
      if (plant.includes("bootstrap")) await answers();
      const found = await diagnosed();
      await bench.output(heal);
      await answers();
      expect(found).toMatchObject({ verdict });
      expect(found.firstCommand).not.toMatch(/systemctl|journalctl|loginctl/);
    });

    it("nothing, once it is mended", async () => {
      expect(await diagnosed()).toMatchObject({ verdict: "healthy" });
    });
  });

  it("shows no secret in anything that a command printed", async () => {
    const shown = [...printed, await bench.operatorBytes()].join("\n");
    for (const secret of Object.values(KEYS)) expect(shown.includes(secret.slice(8, 40))).toBe(false);
  });

  it("goes, and the machine is as it was", async () => {
    await (await bench.open(STACK, fleet())).destroy();
    expect(await power()).toBe(powerBefore);
    expect(await bench.output(`ls /Library/LaunchDaemons /etc/newsyslog.d | grep gatehouse; launchctl list | grep gatehouse; dscl . -list /Users | grep ${USER}; ls -d ${HOME} 2>/dev/null; true`)).toBe(""); // prettier-ignore
    expect(await bench.output(METRICS_LEFTOVERS)).toBe("");
  });
});
