import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleLauncher } from "../../node/bundle.ts";
import { IDENTITY_VARIABLES, type LaunchPlan } from "../../node/launch/plan.ts";
import { VaultStandIn } from "../stand-ins/vault.ts";

const VARIABLE = "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY";
const REFERENCE = "vault://kv/gw/research#key";
/** What systemd and shells would mangle. */
const AWKWARD = `CANARY "q" 'a' $HOME %h \\ \`id\`\nsecond line ${"x".repeat(8192)}`;
/** Stands for OpenClaw: says what it was started with. */
const COMMAND = [process.execPath, "-e", "console.log(JSON.stringify({ pid: process.pid, env: process.env, args: process.argv.slice(1) }))", "gateway", "--port"]; // prettier-ignore

describe.skipIf(process.platform !== "linux")("the launcher", () => {
  let vault: VaultStandIn;
  let directory: string;
  beforeEach(async () => {
    vault = await new VaultStandIn().start();
    vault.store.set("gw/research", [AWKWARD]);
    directory = mkdtempSync(join(tmpdir(), "gatehouse-launch-"));
    writeFileSync(join(directory, "launch.mjs"), bundleLauncher().programText);
  });
  afterEach(async () => {
    await vault.stop();
    rmSync(directory, { recursive: true });
  });
  const record = (): string => join(directory, "record.json");

  async function launch(changes: Partial<LaunchPlan["secrets"][number]> = {}, command: readonly string[] = COMMAND) {
    const plan = {
      identity: { vault: { address: vault.address, authMount: "approle", roleId: vault.roleId } },
      secrets: [{ variable: VARIABLE, reference: REFERENCE, manager: "vault", mount: "kv", path: "gw/research", field: "key", ...changes }], // prettier-ignore
      recordPath: record(),
    };
    writeFileSync(join(directory, "launch.json"), JSON.stringify(plan));
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", join(directory, "launch.mjs"), join(directory, "launch.json"), ...command], // prettier-ignore
      { env: { HOME: "/home/oc", [IDENTITY_VARIABLES.vaultSecretId]: vault.secretId }, stdio: ["ignore", "pipe", "pipe"] }, // prettier-ignore
    );
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { pid: child.pid, status: await ended, stdout, stderr };
  }

  it("becomes the command in the same process, with the value byte for byte and without the node's identity", async () => {
    const { pid, status, stdout, stderr } = await launch();
    expect(status).toBe(0);
    const seen = JSON.parse(stdout) as { readonly pid: number; readonly env: object; readonly args: unknown };
    expect(seen).toMatchObject({ pid, env: { HOME: "/home/oc", [VARIABLE]: AWKWARD }, args: ["gateway", "--port"] });
    expect(Object.keys(seen.env).sort()).toEqual(["HOME", VARIABLE]);
    expect(stderr).toMatch(new RegExp(`^<5>gatehouse: ${VARIABLE} is ${REFERENCE} version 1 \\([0-9.]+ s\\)\n$`));
  });

  it("notes versions for the process that it becomes, readable by its user only", async () => {
    const { pid } = await launch();
    const noted = readFileSync(record(), "utf8");
    expect(JSON.parse(noted)).toEqual({ pid, credentials: [{ variable: VARIABLE, reference: REFERENCE, version: "1" }] }); // prettier-ignore
    expect(statSync(record()).mode & 0o777).toBe(0o600);
  });

  it("ends with 78 and one line when a person is needed, and starts nothing", async () => {
    const { status, stdout, stderr } = await launch({ reference: "vault://kv/gw/other#key", path: "gw/other" });
    expect({ status, stdout }).toEqual({ status: 78, stdout: "" });
    expect(stderr).toBe(`<3>gatehouse: cannot resolve vault://kv/gw/other#key for ${VARIABLE}: not found (HTTP 404); fix: check path and version of the reference\n`); // prettier-ignore
  });

  it("ends with 78 without a usable plan or a command", async () => {
    expect(await launch({ variable: "not a name" })).toMatchObject({ status: 78, stdout: "", stderr: expect.stringContaining("plan.secrets[0].variable") as string }); // prettier-ignore
    expect(await launch({}, [])).toMatchObject({ status: 78, stderr: expect.stringContaining("no command to start") as string }); // prettier-ignore
  });
});

it("is the same text at every bundling", () => {
  expect(bundleLauncher()).toEqual(bundleLauncher());
});
