import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeyPair } from "../../sandbox/node/keys.ts";
import { execOverSsh } from "../../sandbox/node/ssh.ts";
import {
  attachNode,
  canRunNode,
  destroyNode,
  HostKeyMismatch,
  NodeError,
  startNode,
  type TestNode,
} from "../../sandbox/node/index.ts";

const capability = await canRunNode();
if (!capability.ok) process.stderr.write(`skipped: ${capability.reason}\n`);

const START_MS = 15 * 60_000;
const STEP_MS = 180_000;

describe.skipIf(!capability.ok)("throw-away node", () => {
  let directory: string;
  let node: TestNode;
  const at = (name: string): string => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-node-"));
    node = await startNode({ name: "test-one", stateDir: at("one") });
  }, START_MS);
  afterAll(async () => {
    for (const name of ["one", "two", "killed"]) await destroyNode(at(name));
    await rm(directory, { recursive: true });
  }, STEP_MS);

  it("is a Debian 12 whose systemd is up", async () => {
    expect((await node.exec("systemctl is-system-running")).stdout.trim()).toBe("running");
    expect((await node.exec(". /etc/os-release && echo $ID $VERSION_ID")).stdout.trim()).toBe("debian 12");
    expect((await node.exec("hostname")).stdout.trim()).toBe("test-one");
  });

  it("passes stdin, status and both outputs through", async () => {
    const result = await node.exec("cat; echo oops >&2; exit 7", { stdin: "grüße" });
    expect(result).toEqual({ code: 7, stdout: "grüße", stderr: "oops\n" });
  });

  it("lets ops become root and nosudo not", async () => {
    expect(await node.exec("sudo -n id -u", { user: "ops" })).toEqual({ code: 0, stdout: "0\n", stderr: "" });
    expect((await node.exec("sudo -n id -u", { user: "nosudo" })).code).not.toBe(0);
  });

  it("keeps its private key to the owner", async () => {
    expect((await stat(node.ssh.identityFile)).mode & 0o777).toBe(0o600);
    expect((await stat(at("one/node.json"))).mode & 0o777).toBe(0o600);
    expect(await readFile(at("one/node.json"), "utf8")).not.toContain("PRIVATE");
  });

  it("runs lingering user units, a journal and /tmp on disk", async () => {
    const script = [
      "set -e",
      "loginctl enable-linger ops",
      "export XDG_RUNTIME_DIR=/run/user/$(id -u ops)",
      'as_ops() { sudo -u ops XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" "$@"; }',
      "for _ in $(seq 50); do [ -S $XDG_RUNTIME_DIR/bus ] && break; sleep 0.1; done",
      "as_ops systemd-run --user --wait --quiet --unit=probe sh -c 'echo from-the-unit; touch /tmp/probe'",
      "journalctl --sync; journalctl --no-pager -o cat _SYSTEMD_USER_UNIT=probe.service | grep from-the-unit",
      "stat -f -c %T /tmp",
    ].join("\n");
    const result = await node.exec(script);
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining("from-the-unit") as string });
    expect(result.stdout).not.toContain("tmpfs");
  });

  it("refuses to talk to another host key", async () => {
    const other = { ...node.ssh, hostKey: generateKeyPair("other").publicKey };
    await expect(execOverSsh("test-one", other, "true")).rejects.toThrow(HostKeyMismatch);
  });

  it(
    "is the same node after a reboot, and found again",
    async () => {
      await node.exec("echo kept > /root/kept");
      const id = (await node.exec("cat /etc/machine-id")).stdout;
      await node.reboot();
      const found = await attachNode(at("one"));
      expect(found?.ssh).toEqual(node.ssh);
      expect((await found?.exec("cat /root/kept /etc/machine-id"))?.stdout).toBe(`kept\n${id}`);
    },
    STEP_MS,
  );

  it("changes its machine id on demand", async () => {
    const before = (await node.exec("cat /etc/machine-id")).stdout.trim();
    const after = await node.replaceMachineId();
    expect(after).not.toBe(before);
    expect((await node.exec("cat /etc/machine-id")).stdout.trim()).toBe(after);
  });

  it(
    "runs beside another one, which goes without a trace",
    async () => {
      const other = await startNode({ name: "test-two", stateDir: at("two"), ephemeral: true });
      const ids = await Promise.all([node, other].map((each) => each.exec("cat /etc/machine-id")));
      expect(ids[0]?.stdout).not.toBe(ids[1]?.stdout);
      await expect(startNode({ name: "test-3", stateDir: at("3"), sshPort: other.ssh.port })).rejects.toThrow(
        NodeError,
      );
      await other.stop();
      expect(existsSync(at("two"))).toBe(false);
      expect((await node.exec("true")).code).toBe(0);
    },
    STEP_MS,
  );

  it(
    "outlives its starter, and goes also when its supervisor was killed",
    async () => {
      const script = `import { startNode } from ${JSON.stringify(join(import.meta.dirname, "../../sandbox/node/index.ts"))};
        await startNode({ name: "test-killed", stateDir: process.argv[1] });`;
      const starter = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, at("killed")], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      expect((await once(starter, "exit"))[0]).toBe(0);
      const orphan = await attachNode(at("killed"));
      expect((await orphan?.exec("hostname"))?.stdout).toBe("test-killed\n");

      const record = JSON.parse(await readFile(at("killed/node.json"), "utf8")) as { supervisor: { pid: number } };
      process.kill(record.supervisor.pid, "SIGKILL");
      expect(await attachNode(at("killed"))).toBeDefined();
      await orphan?.destroy();
      expect(await attachNode(at("killed"))).toBeUndefined();
      await orphan?.destroy();
      expect(existsSync(at("killed"))).toBe(false);
    },
    STEP_MS,
  );

  it(
    "starts again after a stop",
    async () => {
      await node.stop();
      expect(await attachNode(at("one"))).toBeUndefined();
      node = await startNode({ name: "test-one", stateDir: at("one") });
      expect((await node.exec("cat /root/kept")).stdout).toBe("kept\n");
    },
    STEP_MS,
  );
});
