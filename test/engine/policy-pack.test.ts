import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gh201 } from "../../policies/src/rules/gh201-private-paths.ts";
import { gh501 } from "../../policies/src/rules/gh501-host-key-pinned.ts";
import { ensurePulumi, type PulumiCli } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";
import { HOST_KEY } from "../fleet-input.ts";

const root = join(import.meta.dirname, "../..");
const CANARY = "sk-ant-api03-CANARY0000000000000000";

/** Programs of a stranger: they register what the components register, and Commands of their own. */
const HEADER = `
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import * as tls from "@pulumi/tls";
const view = (type, name, inputs) => new pulumi.ComponentResource("gatehouse:index:" + type, name, inputs, {});
const hostKey = ${JSON.stringify(HOST_KEY)};
const host = "192.0.2.1";
const canary = pulumi.secret(${JSON.stringify(CANARY)});
const made = new tls.PrivateKey("made", { algorithm: "ED25519" }).privateKeyOpenssh;
const pin = { hostKeyType: "ssh-ed25519", hostKeyFingerprint: "SHA256:" + "A".repeat(43) };
`;

const SOUND = `${HEADER}
const node = view("GatewayNode", "box-1", { node: "box-1", connection: { host, port: 22, user: "ops", ...pin } });
new remote.Command("phase", { create: "true", stdin: canary, connection: { host, hostKey, privateKey: made } }, { parent: node });
new remote.Command("foreign", { create: "true", stdin: canary, connection: { host, hostKey, privateKey: canary } });
view("Gateway", "team-a", { paths: [{ path: "/home/a/.openclaw", mode: "0700", kind: "directory", owner: "a" }] });
`;

const FAULTY = `${HEADER}
new remote.Command("unpinned", { create: "true", stdin: canary, connection: { host, privateKey: canary } });
new remote.Command("unknown", { create: "true", stdin: canary, connection: { host, hostKey, privateKey: made } });
view("GatewayNode", "box-1", { node: "box-1", connection: { host, port: 22, user: "ops" } });
view("Gateway", "team-a", { paths: [{ path: "/home/a/gateway.env", mode: "0644", kind: "file", owner: "a" }] });
view("Gateway", "team-b", { paths: [{ path: "/home/b/gateway.env", kind: "file", owner: "b" }] });
view("Agent", "research", {});
`;

describe("the policy pack under the ordinary CLI", () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-pack-"));
  const pack = join(work, "policies");
  const project = join(work, "project");
  let cli: PulumiCli;
  let environment: NodeJS.ProcessEnv;

  function pulumi(...args: string[]): Promise<{ readonly status: number; readonly output: string }> {
    return new Promise((resolve) => {
      const options = { cwd: project, env: environment };
      execFile(cli.command, [...args, "--non-interactive"], options, (error, stdout, stderr) => {
        resolve({ status: error ? 1 : 0, output: stdout + stderr });
      });
    });
  }

  function preview(program: string): ReturnType<typeof pulumi> {
    writeFileSync(join(project, "main.ts"), program);
    return pulumi("preview", "--policy-pack", pack);
  }

  beforeAll(async () => {
    const note = (text: string): void => {
      console.error(text);
    };
    cli = await ensurePulumi({}, note);
    environment = {
      ...process.env,
      ...(await ensurePlugins({ choice: "stand-in" }, cli, note)).env,
      PULUMI_BACKEND_URL: `file://${join(work, "state")}`,
      PULUMI_HOME: join(work, "home"),
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    mkdirSync(project);
    mkdirSync(join(work, "state"));
    // as in a fresh clone after `npm ci`: the sources, and nothing built
    cpSync(join(root, "policies"), pack, { recursive: true, filter: (path) => !path.endsWith("dist") });
    symlinkSync(join(root, "node_modules"), join(work, "node_modules"));
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", type: "module" }));
    writeFileSync(
      join(project, "Pulumi.yaml"),
      'name: project\nmain: main.ts\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: "--import tsx"\n',
    );
    expect(await pulumi("stack", "init", "test")).toMatchObject({ status: 0 });
  });

  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  it("builds itself and passes a sound stack, even with a private key that is not made yet", async () => {
    const { status, output } = await preview(SOUND);
    expect(status, output).toBe(0);
    expect(output).toContain("gatehouse@v0.1.0");
    expect(output).not.toContain("[mandatory]");
    expect(output).not.toContain("CANARY");
  });

  it("refuses a faulty stack with every rule's id and fix, and shows no secret", async () => {
    const { status, output } = await preview(FAULTY);
    expect(status, output).toBe(1);
    const text = output.replace(/\s+/g, " ");
    for (const problem of [
      "GH501 SSH host key pinned: unpinned: connection.hostKey is not declared",
      "GH501 SSH host key pinned: unknown: connection.hostKey is unknown at preview",
      "GH501 SSH host key pinned: box-1: connection.hostKeyType is not declared",
      "GH501 SSH host key pinned: box-1: connection.hostKeyFingerprint is not declared",
      "GH201 No path that others can read: team-a: /home/a/gateway.env has mode 0644",
      "GH201 No path that others can read: team-b: the mode of /home/b/gateway.env is not declared",
      "GH201 No path that others can read: research: paths is not declared",
    ]) {
      expect.soft(text).toContain(problem);
    }
    for (const rule of [gh201, gh501]) expect.soft(text).toContain(`Fix: ${rule.fix}`);
    expect(output).not.toContain("CANARY");
  });
});
