import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeyPair } from "../../sandbox/node/keys.ts";
import { canaryKey } from "./fleet-fixture.ts";
import { OrdinaryPulumi, POLICIES, ROOT } from "./ordinary-pulumi.ts";

const TIMEOUT_MS = 240_000;

describe("Pulumi.example.yaml under the ordinary CLI", { timeout: TIMEOUT_MS }, () => {
  const work = mkdtempSync(join(tmpdir(), "gatehouse-example-"));
  const canary = canaryKey();
  let pulumi: OrdinaryPulumi;

  beforeAll(async () => {
    pulumi = await OrdinaryPulumi.prepare(work, { PULUMI_CONFIG_PASSPHRASE: "test" });
    cpSync(join(ROOT, "Pulumi.example.yaml"), join(pulumi.project, "Pulumi.fleet.yaml"));
    expect(await pulumi.run(["stack", "init", "fleet"])).toMatchObject({ status: 0 });
  }, TIMEOUT_MS);

  afterAll(() => {
    rmSync(work, { recursive: true, force: true });
  });

  const preview = () => pulumi.run(["preview", "--policy-pack", POLICIES, "--diff"]);

  it("names every secret that is missing, in one error", async () => {
    const { status, output } = await preview();
    expect(status).toBe(1);
    const references = new Set(readFileSync(join(ROOT, "Pulumi.example.yaml"), "utf8").match(/pulumi:\/\/[a-z0-9-]+/g));
    expect(references.size).toBeGreaterThan(5);
    for (const reference of references) expect(output).toContain(`${reference} is not set`);
  });

  it("previews the whole fleet with the policy pack, warns of the Macs, and shows no secret", async () => {
    const keys = readFileSync(join(ROOT, "Pulumi.example.yaml"), "utf8").matchAll(
      /config set --secret (gatehouse:\S+)/g,
    );
    for (const [, key = ""] of keys) {
      const value = key.endsWith("ssh-key") ? generateKeyPair("example").privateKey : canary;
      expect(await pulumi.run(["config", "set", "--secret", key], value)).toMatchObject({ status: 0 });
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
    const { status, output } = await pulumi.run(["up", "--yes", "--skip-preview"]);
    expect(status).toBe(1);
    expect(output).toContain("nothing was contacted");
    expect(output).not.toContain("command:remote:Command");
  });
});
