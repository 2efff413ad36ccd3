import { describe, expect, it } from "vitest";
import { fingerprint, renderGeneration, RenderError, slots, type GenerationInput } from "../../render/index.ts";
import { gatewayWith, generationOf, KEY, RUNTIME, valueOf } from "./render-fixture.ts";

const subject = gatewayWith((gateway) => ({
  ...gateway,
  nodeIdentity: {
    vault: { address: "https://vault.example.net:8200", namespace: "team", roleId: "role", secretId: "pulumi://vault" },
    aws: {
      region: "eu-central-1",
      credentials: { accessKeyId: "AKIAEXAMPLE000000001", secretAccessKey: "pulumi://aws" },
    },
  },
  agents: gateway.agents.map((agent, index) => ({
    ...agent,
    credentials: [
      {
        provider: "anthropic",
        resolve: "node" as const,
        secret: ["vault://kv/gw/research#key?version=3", "aws-sm://gw/builder?stage=AWSCURRENT"][index] ?? "",
      },
    ],
  })),
}));
const print = (slot: string): string => fingerprint(KEY, slot, valueOf(slot));

function render(changes: Partial<GenerationInput> = {}) {
  return renderGeneration({
    ...subject,
    runtime: RUNTIME,
    tokenFingerprint: print(slots.gatewayToken("team-a")),
    credentialFingerprint: () => {
      throw new Error("nobody here has the value");
    },
    launcher: { program: () => "export {};", identityFingerprint: print },
    ...changes,
  });
}

describe("a generation whose node reads the keys", () => {
  const rendered = render();

  it("starts OpenClaw through the launcher, as the vendor's unit does without it", () => {
    const line = (unit: string): string => unit.split("\n").find((text) => text.startsWith("ExecStart=")) ?? "";
    const direct = line(generationOf(gatewayWith()).files.unit).replace("ExecStart=", "");
    const node = RUNTIME.nodePath;
    const config = "/home/oc-team-a/.config/gatehouse";
    expect(line(rendered.files.unit)).toBe(`ExecStart=${node} --disable-warning=ExperimentalWarning ${config}/launch.mjs ${config}/launch.json ${direct}`); // prettier-ignore
    expect(line(rendered.files.unitWithoutNamespaces)).toBe(line(rendered.files.unit));
  });

  it("lets attempts of 25 s go on without reaching the unit's start limit", () => {
    const value = (name: string): number => Number(new RegExp(`^${name}=(\\d+)$`, "m").exec(rendered.files.unit)?.[1]);
    const attempt = 20 + value("RestartSec");
    expect(value("StartLimitIntervalSec") / attempt).toBeLessThan(value("StartLimitBurst"));
    expect(rendered.files.unit).toContain("RestartPreventExitStatus=78\n");
  });

  it("has the plan that the references and the identity say, and no value", () => {
    expect(rendered.launch?.plan).toEqual({
      identity: {
        vault: { address: "https://vault.example.net:8200", namespace: "team", authMount: "approle", roleId: "role" },
        aws: { region: "eu-central-1", accessKeyId: "AKIAEXAMPLE000000001" },
      },
      secrets: [
        { variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", reference: "vault://kv/gw/research#key?version=3", manager: "vault", mount: "kv", path: "gw/research", field: "key", version: 3 }, // prettier-ignore
        { variable: "OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY", reference: "aws-sm://gw/builder?stage=AWSCURRENT", manager: "aws-sm", id: "gw/builder", stage: "AWSCURRENT" }, // prettier-ignore
      ],
      recordPath: "/home/oc-team-a/.openclaw/gatehouse-launch.json",
    });
    expect(rendered.launch?.credentials.map(({ variable }) => variable)).toEqual([
      "GATEHOUSE_VAULT_SECRET_ID",
      "GATEHOUSE_AWS_SECRET_ACCESS_KEY",
    ]);
    expect(rendered.agents.map(({ credentials }) => credentials)).toEqual([[], []]);
  });

  it("is another one with another launcher or another identity", () => {
    const others = [
      render({ launcher: { program: () => "export default 1;", identityFingerprint: print } }),
      render({ launcher: { program: () => "export {};", identityFingerprint: () => "another" } }),
    ];
    expect(render().generation).toBe(rendered.generation);
    expect(new Set([rendered, ...others].map(({ generation }) => generation)).size).toBe(3);
  });

  it("is not made without a launcher", () => {
    const without = { ...subject, runtime: RUNTIME, tokenFingerprint: "t", credentialFingerprint: print };
    expect(() => renderGeneration(without)).toThrow(RenderError);
  });
});

it("delivered keys have no launcher", () => {
  const { files, launch } = generationOf(gatewayWith());
  expect(launch).toBeUndefined();
  expect(files.unit).not.toContain("launch");
  expect(files.unit).toContain("StartLimitIntervalSec=300\n");
});
