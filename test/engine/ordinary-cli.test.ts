import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensurePulumi } from "../../sandbox/engine/cli.ts";
import { ensurePlugins } from "../../sandbox/engine/plugins.ts";
import { generateKeyPair } from "../../sandbox/node/keys.ts";
import { canaryKey } from "./fleet-fixture.ts";

const root = join(import.meta.dirname, "../..");
const TIMEOUT_MS = 240_000;

describe("Pulumi.example.yaml under the ordinary CLI", { timeout: TIMEOUT_MS }, () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-example-"));
  const project = join(work, "project");
  const canary = canaryKey();
  let command: string;
  let environment: NodeJS.ProcessEnv;

  function pulumi(args: readonly string[], stdin = ""): Promise<{ status: number; output: string }> {
    return new Promise((resolve) => {
      const options = { cwd: project, env: environment, maxBuffer: 16 * 1024 * 1024 };
      const child = execFile(command, [...args, "--non-interactive"], options, (error, stdout, stderr) => {
        resolve({ status: error ? 1 : 0, output: stdout + stderr });
      });
      child.stdin?.end(stdin);
    });
  }

  beforeAll(async () => {
    const note = (text: string): void => {
      console.error(text);
    };
    const cli = await ensurePulumi({}, note);
    command = cli.command;
    environment = {
      ...process.env,
      ...(await ensurePlugins({ choice: "auto" }, cli, note)).env,
      PULUMI_BACKEND_URL: `file://${join(work, "state")}`,
      PULUMI_HOME: join(work, "home"),
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    mkdirSync(project);
    mkdirSync(join(work, "state"));
    // a project directory of its own, so that the checkout gets no stack file; the program is the checkout's
    for (const name of ["Pulumi.yaml", "package.json"]) cpSync(join(root, name), join(project, name));
    for (const name of ["index.ts", "node_modules"]) symlinkSync(join(root, name), join(project, name));
    cpSync(join(root, "Pulumi.example.yaml"), join(project, "Pulumi.fleet.yaml"));
    expect(await pulumi(["stack", "init", "fleet"])).toMatchObject({ status: 0 });
  }, TIMEOUT_MS);

  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  const preview = () => pulumi(["preview", "--policy-pack", join(root, "policies"), "--diff"]);

  it("names every secret that is missing, in one error", async () => {
    const { status, output } = await preview();
    expect(status).toBe(1);
    const references = new Set(readFileSync(join(root, "Pulumi.example.yaml"), "utf8").match(/pulumi:\/\/[a-z0-9-]+/g));
    expect(references.size).toBeGreaterThan(5);
    for (const reference of references) expect(output).toContain(`${reference} is not set`);
  });

  it("previews the whole fleet with the policy pack, warns of the Macs, and shows no secret", async () => {
    const keys = readFileSync(join(root, "Pulumi.example.yaml"), "utf8").matchAll(
      /config set --secret (gatehouse:\S+)/g,
    );
    for (const [, key = ""] of keys) {
      const value = key.endsWith("ssh-key") ? generateKeyPair("example").privateKey : canary;
      expect(await pulumi(["config", "set", "--secret", key], value)).toMatchObject({ status: 0 });
    }
    const { status, output } = await preview();
    expect(status, output).toBe(0);
    for (const token of ["GatewayNode", "Runtime", "Gateway", "Agent"])
      expect(output).toContain(`gatehouse:index:${token}`);
    expect(output.match(/can be previewed, not provisioned yet/g)?.length).toBeGreaterThanOrEqual(2);
    expect(output).not.toContain("[mandatory]");
    expect(output).not.toContain(canary);
  });

  it("refuses to provision the Macs before anything is contacted", async () => {
    const { status, output } = await pulumi(["up", "--yes", "--skip-preview"]);
    expect(status).toBe(1);
    expect(output).toContain("nothing was contacted");
    expect(output).not.toContain("command:remote:Command");
  });
});
