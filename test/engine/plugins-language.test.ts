import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ensurePulumi, type PulumiCli } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";

const TIMEOUT_MS = 120_000;
const MODULES = join(import.meta.dirname, "..", "..", "node_modules");

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
interface Named { readonly name: string }
const config = new pulumi.Config();
const named: Named = { name: config.require("name") };
export const greeting = "hello " + named.name;
export const hidden = config.requireSecret("hidden");
export const organization = pulumi.getOrganization();
export const key = new tls.PrivateKey("key", { algorithm: "ED25519" }).publicKeyOpenssh;
`;

const PACK = `
const { PolicyPack, validateResourceOfType } = require("@pulumi/policy");
const tls = require("@pulumi/tls");
new PolicyPack("pack", { policies: [{
  name: "no-ed25519", description: "test", enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(tls.PrivateKey, (props, _args, report) => {
    if (props.algorithm === "ED25519") report("ED25519 is refused");
  }),
}] });
`;

interface Run {
  readonly status: number;
  readonly output: string;
}

describe("the ordinary CLI on the stand-in language host", () => {
  let cli: PulumiCli;
  let environment: NodeJS.ProcessEnv;
  let work: string;
  let project: string;

  beforeAll(async () => {
    const note = (text: string): void => {
      console.error(text);
    };
    cli = await ensurePulumi({}, note);
    environment = { ...process.env, ...(await ensurePlugins({ choice: "stand-in" }, cli, note)).env };
  }, 600_000);

  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), "gatehouse-language-"));
    project = join(work, "project");
    mkdirSync(project);
    mkdirSync(join(work, "state"));
    symlinkSync(MODULES, join(work, "node_modules"));
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", type: "module" }));
    writeFileSync(
      join(project, "Pulumi.yaml"),
      'name: project\nmain: main.ts\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n    nodeargs: "--import tsx"\n',
    );
    writeFileSync(join(project, "main.ts"), PROGRAM);
    expect(await pulumi("stack", "init", "test")).toMatchObject({ status: 0 });
    await pulumi("config", "set", "name", "world");
    await pulumi("config", "set", "--secret", "hidden", "s3cret-value");
  }, TIMEOUT_MS);

  afterEach(() => {
    rmSync(work, { recursive: true, force: true });
  });

  function pulumi(...args: string[]): Promise<Run> {
    return new Promise((resolve) => {
      const env = {
        ...environment,
        PULUMI_BACKEND_URL: `file://${join(work, "state")}`,
        PULUMI_HOME: join(work, "home"),
        PULUMI_CONFIG_PASSPHRASE: "test",
      };
      execFile(cli.command, [...args, "--non-interactive"], { cwd: project, env }, (error, stdout, stderr) => {
        resolve({ status: error ? 1 : 0, output: stdout + stderr });
      });
    });
  }

  it("runs a TypeScript program with configuration", { timeout: TIMEOUT_MS }, async () => {
    const up = await pulumi("up", "--yes", "--skip-preview");
    expect(up, up.output).toMatchObject({ status: 0 });
    expect(up.output).toContain("hello world");
    expect(up.output).toContain("ssh-ed25519 AAAA");
    expect(up.output).toMatch(/organization *: "organization"/);
    expect(up.output).not.toContain("s3cret-value");
    expect((await pulumi("preview", "--expect-no-changes")).status).toBe(0);
  });

  it("reports a program that throws once, and fails", { timeout: TIMEOUT_MS }, async () => {
    writeFileSync(join(project, "main.ts"), 'throw new Error("program-broke");');
    const { status, output } = await pulumi("preview");
    expect(status).toBe(1);
    expect(output).toContain("program-broke");
    expect(output).not.toContain("non-zero exit code");
  });

  it("runs a policy pack, which refuses the preview", { timeout: TIMEOUT_MS }, async () => {
    const pack = join(work, "pack");
    mkdirSync(pack);
    writeFileSync(join(pack, "package.json"), JSON.stringify({ name: "pack", version: "0.0.1", main: "index.js" }));
    writeFileSync(join(pack, "PulumiPolicy.yaml"), "runtime: nodejs\nmain: index.js\n");
    writeFileSync(join(pack, "index.js"), PACK);
    const { status, output } = await pulumi("preview", "--policy-pack", pack);
    expect(output).toContain("ED25519 is refused");
    expect(status).toBe(1);
  });

  it("names a runtime option that it does not serve", { timeout: TIMEOUT_MS }, async () => {
    writeFileSync(
      join(project, "Pulumi.yaml"),
      "name: project\nmain: main.ts\nruntime:\n  name: nodejs\n  options:\n    odd: 1\n",
    );
    const { status, output } = await pulumi("preview");
    expect(status).toBe(1);
    expect(output).toContain('runtime option "odd" is not served');
  });
});
