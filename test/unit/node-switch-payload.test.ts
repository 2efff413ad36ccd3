import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentPhase } from "../../node/agent/index.ts";
import { parseEnvironmentFile } from "../../node/environment-file.ts";
import { gatewayPhase } from "../../node/gateway/index.ts";
import { composeSecrets, stagedCredentialsPath } from "../../node/generation/credentials.ts";
import { linux } from "../../node/platform/linux/platform.ts";
import { hardeningFindings } from "../../node/platform/linux/hardening.ts";
import type { ProcessFacts } from "../../node/platform/linux/processes.ts";
import { EXIT, type DeliveredCredential, type GatewayPayload } from "../../node/protocol.ts";
import { verifyPhase } from "../../node/verify/index.ts";
import { failureOf, KEY, nameOf, SwitchBench, TOKEN, VARIABLE } from "./switch-fixture.ts";

const token = { variable: "OPENCLAW_GATEWAY_TOKEN", value: TOKEN, fingerprint: "token-fingerprint" };
const named = { provider: "anthropic", variable: VARIABLE, fingerprint: "0123456789abcdef" };
const staged: DeliveredCredential = { ...named, value: KEY };
const agents = [{ id: "research", credentials: [named] }];

describe("the environment of a generation", () => {
  let bench: SwitchBench;
  beforeEach(async () => {
    bench = await SwitchBench.start();
  });
  afterEach(() => {
    bench.stop();
  });
  const stage = (agent: string, content: unknown): void => {
    const path = stagedCredentialsPath(bench.home, agent);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(content));
  };
  const compose = async () => (await composeSecrets(bench.home, { token, agents }, linux.environmentFile)).environment;

  it("is the token and exactly the credentials that it names", async () => {
    stage("research", [staged, { ...staged, provider: "openai", variable: "OPENCLAW_RESEARCH_OPENAI_API_KEY" }]);
    stage("former", [{ ...staged, variable: "OPENCLAW_FORMER_ANTHROPIC_API_KEY" }]);
    expect([...parseEnvironmentFile(await compose())]).toEqual([[token.variable, TOKEN], [VARIABLE, KEY]]); // prettier-ignore
  });
  it("needs nothing staged for an agent without credentials", async () => {
    const composed = await composeSecrets(
      bench.home,
      { token, agents: [{ id: "quiet", credentials: [] }] },
      linux.environmentFile,
    );
    expect(composed.environment).toContain(TOKEN);
    expect(composed.keys).toBeUndefined();
  });

  it("has a key with delivery by file in the file and not in the environment", async () => {
    stage("research", [staged]);
    const byFile = [{ id: "research", credentials: [{ ...named, delivery: "file" as const }] }];
    const composed = await composeSecrets(bench.home, { token, agents: byFile }, linux.environmentFile);
    expect(JSON.parse(composed.keys ?? "")).toEqual({ [VARIABLE]: KEY });
    expect([...parseEnvironmentFile(composed.environment).keys()]).toEqual([token.variable]);
    stage("research", []);
    await expect(composeSecrets(bench.home, { token, agents: byFile }, linux.environmentFile)).rejects.toThrow(
      /no staged credential/,
    );
  });

  it.each([" ", "\n\t"])("refuses a key of blanks before anything is stopped: %j", async (value) => {
    stage("research", [{ ...staged, value }]);
    await expect(compose()).rejects.toMatchObject({ code: "credential-empty", layer: "provider credential" });
  });

  const missing = "agent 'research' has no staged credential for provider 'anthropic'";
  const another = "agent 'research' has another credential staged for provider 'anthropic'";
  it.each([
    ["nothing was staged", undefined, missing],
    ["an empty list was staged", [], missing],
    ["another variable was staged", [{ ...staged, variable: "OPENCLAW_OTHER_API_KEY" }], missing],
    ["another value was staged", [{ ...staged, fingerprint: "fedcba9876543210" }], another],
    ["another provider's was staged", [{ ...staged, provider: "openai" }], another],
  ])("is refused when %s, by agent and provider, never by value", async (_name, content, words) => {
    if (content !== undefined) stage("research", content);
    const failure = await failureOf(compose());
    expect(failure).toMatchObject({ layer: "provider credential", code: "credential-missing", exit: EXIT.refused });
    expect(failure.message).toContain(words);
    expect(failure.fix).toContain("'research'");
    expect(failure.message + failure.fix).not.toContain(KEY);
  });
  it("is refused when what was staged is damaged", async () => {
    stage("research", [{ ...staged, value: 7 }]);
    const failure = await failureOf(compose());
    expect(failure).toMatchObject({ code: "damaged-state", layer: "config or disk" });
    expect(failure.message).not.toContain(KEY);
  });
});

describe("what the running process has less than its unit asks for", () => {
  const sound: ProcessFacts = {
    uid: 1001,
    noNewPrivileges: true,
    seccompFilter: true,
    ownUserNamespace: true,
    ownMountNamespace: true,
    capabilityBounding: "0000000000000000",
    umask: "0077",
    coreLimit: "0",
  };
  it("is nothing when all is in force", () => {
    expect(hardeningFindings("namespaced", sound)).toEqual([]);
  });
  it.each<[Partial<ProcessFacts>, string]>([
    [{ noNewPrivileges: false }, "NoNewPrivileges"],
    [{ seccompFilter: false }, "system call filter"],
    [{ umask: "0022" }, "umask is 0022"],
    [{ coreLimit: "unlimited" }, "core dumps"],
    [{ ownUserNamespace: false }, "PrivateUsers"],
    [{ ownMountNamespace: false }, "mount sandboxing"],
    [{ capabilityBounding: "00000000fdecbfff" }, "capability bounding set"],
    [{ capabilityBounding: "" }, "capability bounding set"],
  ])("is told for %j", (facts, words) => {
    const findings = hardeningFindings("namespaced", { ...sound, ...facts });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain(words);
  });
  it("is the whole file system fence where user namespaces are not allowed, once", () => {
    const without = { ownUserNamespace: false, ownMountNamespace: false, capabilityBounding: "000001ffffffffff" };
    const findings = hardeningFindings("seccomp-only", { ...sound, ...without });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(/file system sandboxing is off .*sysctl/);
    expect(hardeningFindings("seccomp-only", { ...sound, ...without, umask: "0022" })).toHaveLength(2);
  });
});

describe("a payload", () => {
  const identity = { machine: {}, gateway: "team-a", user: "oc-team-a", home: "/home/oc-team-a" };
  const gateway: GatewayPayload = {
    ...identity,
    port: 18_789,
    unit: "openclaw-gateway.service",
    runtimeId: "openclaw-2026.9.6-0123456789ab",
    nodePath: "/opt/gatehouse/node/v24/bin/node",
    openclawVersion: "2026.9.6",
    generation: nameOf("1"),
    files: { config: "{}", unit: "[Service]", unitWithoutNamespaces: "[Service]", secretsPlan: "{}", policy: "{}" },
    token,
    agents,
    keepGenerations: 3,
    readyTimeoutSeconds: 120,
    purge: false,
  };
  const agent = { ...identity, agent: "research", workspace: "/home/oc-team-a/workspaces/research", mountPoints: [], credentials: [staged] }; // prettier-ignore
  const { port, unit, generation, openclawVersion } = gateway;
  const launch = {
    plan: { identity: {}, secrets: [], recordPath: "/home/oc/.openclaw/gatehouse-launch.json" },
    program: "export {};",
    credentials: [{ variable: "GATEHOUSE_VAULT_SECRET_ID", value: "0123456789abcdef", fingerprint: "h1" }],
  };
  const verify = { ...identity, port, unit, generation, openclawVersion, keepDevices: ["0".repeat(64)] };

  it("that fits is passed on as it is", () => {
    expect(gatewayPhase.check(gateway)).toEqual(gateway);
    expect(gatewayPhase.check({ ...gateway, launch })).toEqual({ ...gateway, launch });
    expect(agentPhase.check(agent)).toEqual(agent);
    expect(verifyPhase.check(verify)).toEqual(verify);
  });

  const checks = {
    gateway: [gatewayPhase, gateway],
    agent: [agentPhase, agent],
    verify: [verifyPhase, verify],
  } as const;
  const wrong: readonly (readonly [keyof typeof checks, string, unknown])[] = [
    ["gateway", "generation", "../../etc"],
    ["gateway", "generation", "g-0123"],
    ["gateway", "unit", "../evil.service"],
    ["gateway", "unit", "--now.service"],
    ["gateway", "unit", "gateway.timer"],
    ["gateway", "runtimeId", "../other"],
    ["gateway", "nodePath", "node"],
    ["gateway", "port", 80],
    ["gateway", "port", "18789"],
    ["gateway", "openclawVersion", "latest"],
    ["gateway", "keepGenerations", 1],
    ["gateway", "readyTimeoutSeconds", 0],
    ["gateway", "user", "root"],
    ["gateway", "home", "home/oc"],
    ["gateway", "token", { ...token, variable: "PATH=" }],
    ["gateway", "files", { ...gateway.files, extra: "" }],
    ["gateway", "agents", [{ id: "../up", credentials: [] }]],
    ["gateway", "agents", [{ id: "research", credentials: [{ ...named, variable: "lower" }] }]],
    ["agent", "agent", "../up"],
    ["agent", "workspace", "workspaces/research"],
    ["agent", "credentials", [{ ...staged, variable: "BASH_FUNC_x%%" }]],
    ["agent", "credentials", [named]],
    ["agent", "mountPoints", ["shared/docs"]],
    ["agent", "mountPoints", undefined],
    ["verify", "generation", "current"],
    ["verify", "unit", "a/b.service"],
    ["verify", "keepDevices", ["--all"]],
    ["verify", "keepDevices", undefined],
  ];
  it.each(wrong)(
    "of the %s phase with a wrong %s (%j) is refused by that field, never by a value",
    async (name, field, value) => {
      const [phase, payload] = checks[name];
      const failure = await failureOf((async () => phase.check({ ...payload, [field]: value }))());
      expect(failure).toMatchObject({ code: "payload", exit: EXIT.usage });
      expect(failure.message).toContain(`payload.${field}`);
      expect(failure.message).not.toMatch(new RegExp(`${KEY}|${TOKEN}`));
    },
  );
});
