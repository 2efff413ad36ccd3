import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import * as tls from "@pulumi/tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ensurePulumi } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";

const SSHD = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));
if (SSHD === undefined) console.warn("skipped: test/engine/plugins needs sshd (apt-get install openssh-server)");

const TIMEOUT_MS = 120_000;

/** A real OpenSSH server on a loopback port that lets this user in with one key. */
class TestSshd {
  readonly directory = mkdtempSync(join(tmpdir(), "gatehouse-sshd-"));
  readonly log = join(this.directory, "log");
  readonly hostKey: string;
  readonly clientKey: string;
  #process: ChildProcess | undefined;
  port = 0;

  constructor() {
    this.hostKey = this.newKey("host").publicKey;
    const client = this.newKey("client");
    this.clientKey = client.privateKey;
    writeFileSync(join(this.directory, "authorized_keys"), `${client.publicKey}\n`, { mode: 0o600 });
  }

  newKey(name: string): { privateKey: string; publicKey: string } {
    const file = join(this.directory, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
    return { privateKey: readFileSync(file, "utf8"), publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
  }

  async start(): Promise<void> {
    this.port = await freePort();
    const config = join(this.directory, "config");
    const lines = {
      ListenAddress: "127.0.0.1",
      Port: this.port,
      HostKey: join(this.directory, "host"),
      AuthorizedKeysFile: join(this.directory, "authorized_keys"),
      PidFile: "none",
      StrictModes: "no",
      UsePAM: "no",
      PasswordAuthentication: "no",
      PermitRootLogin: "prohibit-password",
      AllowTcpForwarding: "yes",
      AcceptEnv: "ACCEPTED",
      LogLevel: "VERBOSE",
    };
    writeFileSync(
      config,
      Object.entries(lines)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(""),
    );
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    this.#process = spawn(SSHD ?? "", ["-D", "-f", config, "-E", this.log], { stdio: "ignore" });
    for (let left = 50; !(await answers(this.port)); left -= 1) {
      if (left === 0) throw new Error(`sshd did not start:\n${readFileSync(this.log, "utf8")}`);
      await sleep(100);
    }
  }

  connections(): number {
    return readFileSync(this.log, "utf8").match(/^Connection from /gm)?.length ?? 0;
  }

  stop(): void {
    this.#process?.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

describe.skipIf(SSHD === undefined)("stand-in plugins under the real engine", () => {
  let sshd: TestSshd;
  let work: string;
  let journal: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    const note = (text: string): void => {
      console.error(text);
    };
    const cli = await ensurePulumi({}, note);
    const plugins = await ensurePlugins({ choice: "stand-in" }, cli, note);
    // the Automation API looks the CLI up in this process's PATH
    process.env["PATH"] = plugins.env["PATH"];
    delete process.env["SSH_AUTH_SOCK"];
    environment = { ...plugins.env, PULUMI_CONFIG_PASSPHRASE: "test" };
    sshd = new TestSshd();
    await sshd.start();
  }, 600_000);

  afterAll(() => {
    sshd.stop();
  });

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), "gatehouse-plugins-"));
    journal = join(work, "journal");
    return () => {
      rmSync(work, { recursive: true, force: true });
    };
  });

  const connection = (overrides: object = {}) => ({
    host: "127.0.0.1",
    port: sshd.port,
    user: userInfo().username,
    privateKey: sshd.clientKey,
    hostKey: sshd.hostKey,
    dialErrorLimit: 0,
    ...overrides,
  });
  const entries = (): string[] => (existsSync(journal) ? readFileSync(journal, "utf8").trim().split("\n") : []);

  async function stackOf(program: () => Record<string, unknown>): Promise<Stack> {
    const backend = join(work, "state");
    mkdirSync(backend, { recursive: true });
    return LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "plugins", program: async () => program() },
      {
        workDir: mkdtempSync(join(work, "program-")),
        envVars: { ...environment, PULUMI_BACKEND_URL: `file://${backend}`, PULUMI_HOME: join(work, "home") },
      },
    );
  }

  /** Every byte of the file backend, secrets encrypted as they lie there. */
  function stateText(): string {
    const files = readdirSync(join(work, "state"), { recursive: true, withFileTypes: true });
    return files
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
  }

  it("creates, repeats nothing, updates and deletes", { timeout: TIMEOUT_MS }, async () => {
    const program = (text: string) => () => {
      const result = new command.remote.Command("one", {
        connection: connection(),
        create: `echo create ${text} >> ${journal}; echo out ${text}; echo err ${text} >&2`,
        update: `echo update ${text} >> ${journal}; echo new ${text}`,
        delete: `echo delete ${text} >> ${journal}`,
        logging: "none",
        addPreviousOutputInEnv: false,
      });
      return { stdout: result.stdout, stderr: result.stderr };
    };
    const first = await (await stackOf(program("a"))).up();
    expect(first.outputs["stdout"]?.value).toBe("out a");
    expect(first.outputs["stderr"]?.value).toBe("err a");
    expect((await (await stackOf(program("a"))).up()).summary.resourceChanges).toEqual({ same: 2 });
    const changed = await (await stackOf(program("b"))).up();
    expect(changed.summary.resourceChanges).toEqual({ same: 1, update: 1 });
    expect(changed.outputs["stdout"]?.value).toBe("new b");
    await (await stackOf(program("c"))).destroy();
    // the recorded command, not the program's
    expect(entries()).toEqual(["create a", "update b", "delete b"]);
  });

  it("replaces on triggers, new one first", { timeout: TIMEOUT_MS }, async () => {
    const program = (trigger: string) => () => {
      new command.remote.Command("one", {
        connection: connection(),
        create: `echo create >> ${journal}`,
        delete: `echo delete >> ${journal}`,
        triggers: [trigger],
        logging: "none",
      });
      return {};
    };
    await (await stackOf(program("a"))).up();
    const preview = await (await stackOf(program("b"))).preview();
    expect(preview.changeSummary).toEqual({ same: 1, replace: 1 });
    await (await stackOf(program("b"))).up();
    expect(entries()).toEqual(["create", "create", "delete"]);
  });

  it("refuses a wrong host key with both fingerprints, before anything runs", { timeout: TIMEOUT_MS }, async () => {
    const other = sshd.newKey(`other-${randomBytes(4).toString("hex")}`).publicKey;
    const program = () => {
      new command.remote.Command("one", {
        connection: connection({ hostKey: other }),
        create: `echo create >> ${journal}`,
      });
      return {};
    };
    const error = await failure((await stackOf(program)).up());
    expect(error).toContain("ssh: handshake failed: ssh: host key mismatch");
    for (const key of [other, sshd.hostKey]) expect(error).toContain(fingerprint(key));
    expect(error).not.toContain("PRIVATE KEY");
    expect(entries()).toEqual([]);
  });

  it("tries a refused key once when dialErrorLimit is 0", { timeout: TIMEOUT_MS }, async () => {
    const stranger = sshd.newKey(`stranger-${randomBytes(4).toString("hex")}`).privateKey;
    const program = () => {
      new command.remote.Command("one", { connection: connection({ privateKey: stranger }), create: "true" });
      return {};
    };
    const before = sshd.connections();
    const error = await failure((await stackOf(program)).up());
    expect(error).toContain("ssh: unable to authenticate");
    expect(error).toContain(`127.0.0.1:${sshd.port}`);
    expect(error).not.toContain("PRIVATE KEY");
    expect(sshd.connections() - before).toBe(1);
  });

  it("dials dialErrorLimit + 1 times and names the address", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const program = () => {
      new command.remote.Command("one", { connection: connection({ port, dialErrorLimit: 2 }), create: "true" });
      return {};
    };
    const error = await failure((await stackOf(program)).up());
    expect(error).toContain(`after 3 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`);
  });

  it("writes all of a secret stdin and keeps it out of the state", { timeout: TIMEOUT_MS }, async () => {
    const canary = `canary-${randomBytes(16).toString("hex")}`;
    const stdin = canary + randomBytes(1_500_000).toString("hex");
    const program = () => {
      const result = new command.remote.Command(
        "one",
        {
          connection: connection(),
          create: `tee ${journal} | sha256sum | cut -c1-64; head -c 39 ${journal}`,
          stdin: pulumi.secret(stdin),
          logging: "none",
        },
        { additionalSecretOutputs: ["stdout", "stderr"] },
      );
      return { stdout: result.stdout };
    };
    const { outputs } = await (await stackOf(program)).up();
    expect(readFileSync(journal, "utf8")).toBe(stdin);
    expect(outputs["stdout"]).toEqual({ value: `${sha256(stdin)}\n${canary}`, secret: true });
    const state = stateText();
    // a plain input lies there in clear, so that this is where a leak would show
    expect(state).toContain("| sha256sum |");
    expect(state).not.toContain(canary);
    expect(state).not.toContain(sshd.clientKey.split("\n")[2]);
  });

  it("fails when the connection is cut in the middle of a command", { timeout: TIMEOUT_MS }, async () => {
    const program = () => {
      new command.remote.Command("one", {
        connection: connection(),
        create: `echo started; echo started >> ${journal}; kill -9 $PPID; sleep 30`,
        logging: "none",
      });
      return {};
    };
    const error = await failure((await stackOf(program)).up());
    expect(entries()).toEqual(["started"]);
    expect(error).toContain("remote command exited without exit status or exit signal");
    expect(JSON.stringify(await (await stackOf(program)).exportStack())).not.toContain("command:remote:Command");
  });

  it("reports a failing command with its output, and hides a secret command", { timeout: TIMEOUT_MS }, async () => {
    const program = (create: pulumi.Input<string>) => () => {
      new command.remote.Command("one", { connection: connection(), create, logging: "none" });
      return {};
    };
    const open = await failure((await stackOf(program("echo to-stdout; echo to-stderr >&2; exit 7"))).up());
    expect(open).toContain('Process exited with status 7: running "echo to-stdout; echo to-stderr >&2; exit 7"');
    expect(open).toContain("to-stdout");
    expect(open).toContain("to-stderr");
    const hidden = await failure((await stackOf(program(pulumi.secret(": hidden-word; exit 7")))).up());
    expect(hidden).toContain("running [secret]");
    expect(hidden).not.toContain("hidden-word");
  });

  it(
    "sets accepted variables and fails on a refused one before the command runs",
    { timeout: TIMEOUT_MS },
    async () => {
      const program = (environmentOf: Record<string, string>) => () => {
        const result = new command.remote.Command("one", {
          connection: connection(),
          create: `echo "ran $ACCEPTED" >> ${journal}`,
          environment: environmentOf,
          logging: "none",
        });
        return { stdout: result.stdout };
      };
      const error = await failure((await stackOf(program({ REFUSED: "x" }))).up());
      expect(error).toContain('could not set environment variable "REFUSED"');
      expect(entries()).toEqual([]);
      await (await stackOf(program({ ACCEPTED: "yes" }))).up();
      expect(entries()).toEqual(["ran yes"]);
    },
  );

  it("goes through a jump host and checks both pins", { timeout: TIMEOUT_MS }, async () => {
    const wrong = sshd.newKey(`wrong-${randomBytes(4).toString("hex")}`).publicKey;
    const program = (hostKey: string) => () => {
      const proxy = connection({ hostKey });
      const result = new command.remote.Command("one", { connection: connection({ proxy }), create: "echo through" });
      return { stdout: result.stdout };
    };
    expect(await failure((await stackOf(program(wrong))).up())).toContain(
      "proxy: after 1 failed attempt: ssh: handshake",
    );
    const before = sshd.connections();
    expect((await (await stackOf(program(sshd.hostKey))).up()).outputs["stdout"]?.value).toBe("through");
    expect(sshd.connections() - before).toBe(2);
  });

  it(
    "makes a key pair that logs in, marks its private half and replaces on algorithm",
    { timeout: TIMEOUT_MS },
    async () => {
      const program = (algorithm: string) => () => {
        const key = new tls.PrivateKey("key", { algorithm, ecdsaCurve: "P256" });
        return {
          openssh: key.privateKeyOpenssh,
          pem: key.privateKeyPem,
          pkcs8: key.privateKeyPemPkcs8,
          publicKey: key.publicKeyOpenssh,
          fingerprint: key.publicKeyFingerprintSha256,
        };
      };
      const { outputs } = await (await stackOf(program("ED25519"))).up();
      for (const name of ["openssh", "pem", "pkcs8"]) expect(outputs[name]?.secret).toBe(true);
      const file = join(work, "key");
      writeFileSync(file, String(outputs["openssh"]?.value), { mode: 0o600 });
      expect(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" })).toBe(outputs["publicKey"]?.value);
      expect(outputs["fingerprint"]).toEqual({
        value: fingerprint(String(outputs["publicKey"]?.value)),
        secret: false,
      });
      expect((await (await stackOf(program("ED25519"))).preview()).changeSummary).toEqual({ same: 2 });
      expect((await (await stackOf(program("ECDSA"))).preview()).changeSummary).toEqual({ same: 1, replace: 1 });
    },
  );

  it(
    "renews a certificate inside its renewal period with inputs that are the same",
    { timeout: TIMEOUT_MS },
    async () => {
      const program = (earlyRenewalHours: number) => () => {
        const key = new tls.PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
        const certificate = new tls.SelfSignedCert("certificate", {
          privateKeyPem: key.privateKeyPem,
          subject: { commonName: "x" },
          allowedUses: ["server_auth"],
          validityPeriodHours: 10,
          earlyRenewalHours,
        });
        return { pem: certificate.certPem, key: certificate.privateKeyPem };
      };
      const early = (await (await stackOf(program(5))).up()).outputs;
      expect(early["key"]?.secret).toBe(true);
      expect(early["pem"]?.secret).toBe(false);
      expect((await (await stackOf(program(5))).preview()).changeSummary).toEqual({ same: 3 });
      await (await stackOf(program(10))).up();
      expect((await (await stackOf(program(10))).preview()).changeSummary).toEqual({ same: 2, replace: 1 });
      const renewed = (await (await stackOf(program(10))).up()).outputs;
      expect(renewed["pem"]?.value).not.toBe(early["pem"]?.value);
    },
  );

  it("names the official plugin for a type it does not serve", { timeout: TIMEOUT_MS }, async () => {
    const local = () => ({ stdout: new command.local.Command("one", { create: "true" }).stdout });
    expect(await failure((await stackOf(local)).up())).toContain("pulumi plugin install resource command 1.2.1");
  });
});

async function failure(run: Promise<unknown>): Promise<string> {
  try {
    await run;
  } catch (error) {
    return String(error);
  }
  throw new Error("the run succeeded");
}

function fingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
