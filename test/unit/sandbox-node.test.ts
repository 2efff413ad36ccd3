import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeError } from "../../sandbox/node/errors.ts";
import { writeFileAtomically } from "../../sandbox/node/files.ts";
import { generateKeyPair, publicKeyBlob } from "../../sandbox/node/keys.ts";
import { attachNode, destroyNode, HostCommandFailed } from "../../sandbox/node/index.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { identify, isAlive, signal } from "../../sandbox/node/process-identity.ts";
import { run } from "../../sandbox/node/run.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-unit-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe("generateKeyPair", () => {
  // ssh2 alone gets about one in 300 wrong
  it("only returns keys that work", () => {
    for (let count = 0; count < 1000; count += 1) {
      const { privateKey, publicKey } = generateKeyPair("test");
      const parsed = ssh2.utils.parseKey(privateKey);
      if (parsed instanceof Error) throw parsed;
      expect(parsed.getPublicSSH().equals(publicKeyBlob(publicKey))).toBe(true);
    }
  });
});

describe("writeFileAtomically", () => {
  it("replaces content and mode and leaves nothing else", async () => {
    const path = join(directory, "file");
    await writeFile(path, "old", { mode: 0o644 });
    await writeFileAtomically(path, "new", 0o600);
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(["file"]);
  });

  it("leaves nothing when it fails", async () => {
    await expect(writeFileAtomically(join(directory, "no", "file"), "x", 0o600)).rejects.toThrow();
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("freePort", () => {
  it("refuses a taken port and finds a free one", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(freePort("127.0.0.1", port)).rejects.toThrow(NodeError);
    expect(await freePort("127.0.0.1")).not.toBe(port);
    server.close();
    await once(server, "close");
    expect(await freePort("127.0.0.1", port)).toBe(port);
  });
});

describe.skipIf(platform() !== "linux")("process identity", () => {
  it("tells a process from a later one with the same number", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const identity = await identify(child.pid ?? 0);
    if (identity === undefined) throw new Error("no such process");
    expect(await isAlive(identity)).toBe(true);
    const impostor = { ...identity, startTime: "1" };
    expect(await isAlive(impostor)).toBe(false);
    expect(await signal(impostor, "SIGKILL")).toBe(false);
    expect(await isAlive({ ...identity, bootId: "another boot" })).toBe(false);
    expect(await signal(identity, "SIGTERM")).toBe(true);
    await once(child, "exit");
    expect(await isAlive(identity)).toBe(false);
    expect(await signal(identity, "SIGTERM")).toBe(false);
  });
});

describe("run", () => {
  it("gives a program none of the operator's secrets", async () => {
    process.env["GATEHOUSE_TEST_SECRET"] = "value";
    try {
      expect(await run("env", [])).not.toContain("GATEHOUSE_TEST_SECRET");
    } finally {
      delete process.env["GATEHOUSE_TEST_SECRET"];
    }
  });

  it.each([
    ["a missing program", "no-such-program", []],
    ["a failing one", "false", []],
  ])("fails with a fix for %s", async (_case, command, args) => {
    await expect(run(command, args)).rejects.toThrow(HostCommandFailed);
  });

  it("ends a program at its deadline", async () => {
    await expect(run("sleep", ["60"], { timeoutMs: 50 })).rejects.toThrow("SIGKILL");
  });
});

describe("a state directory", () => {
  it("without a node is left alone", async () => {
    await writeFile(join(directory, "somebody-elses"), "");
    expect(await attachNode(directory)).toBeUndefined();
    await destroyNode(directory);
    await destroyNode(join(directory, "none"));
    expect(await readdir(directory)).toEqual(["somebody-elses"]);
  });

  it("with an unreadable record is reported, not removed", async () => {
    await writeFile(join(directory, "node.json"), "{");
    await expect(destroyNode(directory)).rejects.toThrow(NodeError);
    expect(await readdir(directory)).toEqual(["node.json"]);
  });
});
