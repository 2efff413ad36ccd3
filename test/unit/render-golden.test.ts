import { renderEnvironmentFile } from "../../node/environment-file.ts";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GATEWAY_UNIT, renderSystemdUnit, seccompOnly, secretVariables } from "../../render/index.ts";
import { expectGolden } from "./golden.ts";
import { gatewayWith, generationOf, layoutOf, RUNTIME, valueOf } from "./render-fixture.ts";

/** Anthropic twice, OpenAI once, one provider behind another address: what a real gateway's files look like. */
const subject = gatewayWith((gateway) => ({
  ...gateway,
  providers: [{ id: "anthropic", baseUrl: "https://egress.example.com" }],
  agents: gateway.agents.map((agent) =>
    agent.id === "research"
      ? {
          ...agent,
          utilityModel: "openai/gpt-5-mini",
          credentials: [...agent.credentials, { provider: "openai", secret: "pulumi://research-openai" }],
        }
      : { ...agent, permissions: { profile: "coding", allow: ["group:fs"], deny: ["apply_patch"], exec: "sandbox" } },
  ),
}));

describe("golden files of a gateway with two agents", () => {
  const { files } = generationOf(subject);

  it("openclaw.json", () => {
    expectGolden("two-agents/openclaw.json", files.config);
  });
  it("systemd unit", () => {
    expectGolden(`two-agents/${GATEWAY_UNIT}`, files.unit);
  });
  it("secrets plan", () => {
    expectGolden("two-agents/secrets-plan.json", files.secretsPlan);
  });
  it("policy.jsonc of the vendor's plugin", () => {
    expectGolden("two-agents/policy.jsonc", files.policy);
  });
  it("EnvironmentFile, with characters that need an escape", () => {
    const awkward = ['a "quoted" $HOME `id` \\ end', "line one\nline two"];
    const values = secretVariables(subject.gateway).map(
      (name, index) => [name, awkward[index] ?? valueOf(name)] as const,
    );
    expectGolden("two-agents/gateway.env", renderEnvironmentFile(new Map(values)));
  });
});

const analyze = spawnSync("systemd-analyze", ["--version"], { encoding: "utf8" });
if (analyze.status !== 0) process.stderr.write("skipped: systemd-analyze is not installed (apt-get install systemd)\n");

describe.skipIf(analyze.status !== 0)("systemd-analyze verify --user", () => {
  /** What systemd says about a unit whose program exists here. */
  function verify(unit: string): { readonly status: number | null; readonly words: string } {
    const directory = mkdtempSync(join(tmpdir(), "gatehouse-unit-"));
    try {
      const path = join(directory, GATEWAY_UNIT);
      writeFileSync(path, unit.replaceAll(RUNTIME.nodePath, process.execPath));
      const done = spawnSync("systemd-analyze", ["verify", "--user", "--man=no", path], {
        encoding: "utf8",
        env: { PATH: process.env["PATH"], HOME: directory, XDG_RUNTIME_DIR: directory },
      });
      // other lines are about the units of the host's own that this one is loaded with
      const about = done.stderr.split("\n").filter((line) => line.includes(directory) || line.includes(GATEWAY_UNIT));
      return { status: done.status, words: about.join("\n") };
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  const unit = renderSystemdUnit(subject.gateway, layoutOf(subject), RUNTIME);

  it.each([
    ["the golden unit", unit],
    ["its form without user namespaces", seccompOnly(unit)],
  ])("finds nothing in %s", (_name, text) => {
    expect(verify(text)).toEqual({ status: 0, words: "" });
  });
  it("would find a directive that does not exist", () => {
    expect(verify(unit.replace("NoNewPrivileges=", "NoNewPrivilegez=")).words).toContain("NoNewPrivilegez");
  });
});
