import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, it } from "vitest";
import { OperationError } from "../../operations/error.ts";
import { openStack, type OpenStackOptions } from "../../operations/stack.ts";
import { HOST_KEY, validFleet } from "../fleet-input.ts";

const CANARY = "canary-5f2c1a9b7d3e";
const TIMEOUT_MS = 120_000;

/** What the policies ask of any remote command. */
const sound = { create: "true", logging: command.remote.Logging.None, addPreviousOutputInEnv: false };
const secretOutputs = { additionalSecretOutputs: ["stdout", "stderr"] };

describe("a stack over the real engine", () => {
  let stateDir: string;
  let lines: string[];

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), "gatehouse-operations-"));
    lines = [];
    return () => {
      rmSync(stateDir, { recursive: true, force: true });
    };
  });

  const open = (program: pulumi.automation.PulumiFn, more: Partial<OpenStackOptions> = {}) =>
    openStack({
      stack: "test",
      stateDir,
      plugins: "stand-in",
      program,
      progress: (line) => lines.push(line),
      ...more,
    });
  const failure = async (run: Promise<unknown>): Promise<OperationError> => {
    const error: unknown = await run.catch((caught: unknown) => caught);
    if (!(error instanceof OperationError)) throw new Error(`not an OperationError: ${String(error)}`);
    return error;
  };
  /** Every byte that is kept, and every line that was shown. */
  const everything = (): string =>
    readdirSync(stateDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .concat(lines)
      .join("\n");

  const withSecret = async () => {
    const token = new pulumi.Config("gatehouse").requireSecret("token");
    return { nodes: {}, gatewayTokens: token.apply((value) => ({ demo: value })) };
  };

  it(
    "stores fleet and secrets, changes nothing the second time, and keeps secrets to itself",
    { timeout: TIMEOUT_MS },
    async () => {
      const window = { from: "2026-12-01T20:00:00+01:00", to: "2026-12-01T22:00:00+01:00" };
      const change = { ticket: "yes", window, blastRadius: "0o7", rollbackPoint: "null" };
      const options = { fleet: { ...validFleet(), change }, secrets: { token: CANARY } };
      const first = await (await open(withSecret, options)).up();
      expect(first.changes).toEqual({ create: 1 });
      expect(first.outputs.gatewayTokens).toEqual({ demo: CANARY });
      const second = await (await open(withSecret, options)).up();
      expect(second.changes).toEqual({ same: 1 });
      expect(second.outputs).toEqual(first.outputs);
      // the next run needs neither again
      let stored: unknown;
      const stack = await open(async () => {
        stored = new pulumi.Config("gatehouse").requireObject<object>("fleet");
        return { nodes: {} };
      });
      await stack.up();
      expect(stored).toEqual(options.fleet);
      expect(everything()).not.toContain(CANARY);
      await (await open(withSecret)).destroy();
      expect(await stack.outputs()).toEqual({
        nodes: {},
        certificateAuthority: null,
        ledger: [],
        gatewayTokens: {},
        principals: [],
        principalKeys: {},
      });
    },
  );

  it("applies a change of the outputs alone", { timeout: TIMEOUT_MS }, async () => {
    const program = (token: string) => async () => ({ gatewayTokens: { demo: token } });
    await (await open(program("a"))).up();
    expect((await (await open(program("b"))).up()).outputs.gatewayTokens).toEqual({ demo: "b" });
  });

  it(
    "tells a missing secret, an unreachable machine and an error of the program apart",
    { timeout: TIMEOUT_MS },
    async () => {
      const stack = await open(withSecret);
      expect((await failure(stack.preview())).failures).toMatchObject([{ code: "missing-secret" }]);
      const port = await closedPort();
      const unreachable = await open(async () => {
        new command.remote.Command("box-runtime", { ...sound, connection: connection(port) }, secretOutputs);
      });
      const failed = await failure(unreachable.up());
      expect(failed.failures).toMatchObject([{ code: "unreachable", resource: "box-runtime" }]);
      expect(failed.message).toContain(`127.0.0.1:${port}`);
      expect(lines.some((line) => line.startsWith("box-runtime: FAILED"))).toBe(true);
      const broken = await open(async () => Promise.reject(new TypeError("a defect")));
      expect((await failure(broken.preview())).failures).toMatchObject([{ code: "internal" }]);
    },
  );

  it("stops at a mandatory policy before any machine is contacted", { timeout: TIMEOUT_MS }, async () => {
    const server = createServer();
    let contacts = 0;
    server.on("connection", (socket) => {
      contacts += 1;
      socket.destroy();
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    const program = async () => {
      new command.remote.Command("good", { ...sound, connection: connection(port) }, secretOutputs);
      const unpinned = { host: "127.0.0.1", port, user: "x", password: "x", dialErrorLimit: 0 };
      new command.remote.Command("bad", { ...sound, connection: unpinned }, secretOutputs);
    };
    const failed = await failure((await open(program)).up());
    expect(failed.failures).toMatchObject([{ code: "policy", resource: "bad" }]);
    expect(failed.message).toContain("GH501");
    expect(contacts).toBe(0);
    expect(await failure((await open(program, { policyPack: false })).up())).toBeInstanceOf(OperationError);
    expect(contacts).toBeGreaterThan(0);
    server.close();
  });

  it(
    "goes on after an engine that was killed, and refuses a passphrase that was lost",
    { timeout: TIMEOUT_MS },
    async () => {
      await (await open(withSecret, { secrets: { token: CANARY } })).up();
      const locks = join(stateDir, "backend", ".pulumi", "locks", "organization", "gatehouse", "test");
      mkdirSync(locks, { recursive: true });
      const lock = (pid: number): void => {
        const content = { pid, username: "ops", hostname: hostname(), timestamp: new Date().toISOString() };
        writeFileSync(join(locks, "00000000-0000-4000-8000-000000000000.json"), JSON.stringify(content));
      };
      lock(process.pid);
      // nothing to change would need no lock
      const other = async () => ({ gatewayTokens: { demo: "b" } });
      expect((await failure((await open(other)).up())).code).toBe("locked");
      lock(spawnSync("true").pid);
      expect((await (await open(other)).up()).outputs.gatewayTokens).toEqual({ demo: "b" });
      writeFileSync(join(stateDir, "passphrase"), "another one\n");
      expect((await failure(open(withSecret, { secrets: { token: CANARY } }))).code).toBe("passphrase");
      rmSync(join(stateDir, "passphrase"));
      expect((await failure(open(withSecret))).code).toBe("passphrase-lost");
    },
  );
});

function connection(port: number) {
  return { host: "127.0.0.1", port, user: "x", password: "x", hostKey: HOST_KEY, dialErrorLimit: 0 };
}

function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
}
