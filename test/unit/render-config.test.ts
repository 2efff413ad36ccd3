import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NAMESPACE_DIRECTIVES, secretVariables, seccompOnly, usedPlugins } from "../../render/index.ts";
import { credentialVariable, type FleetInput } from "../../spec/index.ts";
import { configOf, gatewayWith, generationOf, layoutOf } from "./render-fixture.ts";

type GatewayInput = FleetInput["nodes"][number]["gateways"][number];
type AgentInput = GatewayInput["agents"][number];
type Permissions = NonNullable<AgentInput["permissions"]>;

const PROVIDERS = ["anthropic", "openai", "google-vertex", "google"] as const;

/** A gateway with these agents, each with keys for some of the providers. */
function gatewayOf(agents: readonly { readonly id: string; readonly providers: readonly string[] }[]) {
  return gatewayWith((gateway) => ({
    ...gateway,
    agents: agents.map(({ id, providers }) => ({
      id,
      model: `${providers[0] ?? ""}/some-model`,
      credentials: providers.map((provider) => ({ provider, secret: `pulumi://${id}-${provider}` })),
    })),
  }));
}

const someAgents = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/).filter((id) => id !== "main"),
    providers: fc.uniqueArray(fc.constantFrom(...PROVIDERS), { minLength: 1 }),
  }),
  { minLength: 1, maxLength: 5, selector: ({ id }) => id },
);

describe("credentials in openclaw.json", () => {
  it("has an explicit order for every provider: exactly the agents that have a key, in the spec's order", () => {
    fc.assert(
      fc.property(someAgents, (agents) => {
        const { auth } = configOf(gatewayOf(agents));
        const used = new Set(agents.flatMap(({ providers }) => providers));
        expect(Object.keys(auth.order).sort()).toEqual([...used].sort());
        for (const provider of used) {
          const holders = agents.filter(({ providers }) => providers.includes(provider));
          expect(auth.order[provider]).toEqual(holders.map(({ id }) => `${provider}:${id}`));
        }
      }),
    );
  });
  it("has one profile and one variable for each agent and provider, and no other", () => {
    fc.assert(
      fc.property(someAgents, (agents) => {
        const subject = gatewayOf(agents);
        const { auth, secrets } = configOf(subject);
        const pairs = agents.flatMap(({ id, providers }) => providers.map((provider) => ({ id, provider })));
        expect(auth.profiles).toEqual(
          Object.fromEntries(pairs.map(({ id, provider }) => [`${provider}:${id}`, { provider, mode: "api_key" }])),
        );
        const variables = ["OPENCLAW_GATEWAY_TOKEN", ...pairs.map((p) => credentialVariable(p.id, p.provider))];
        expect(secretVariables(subject.gateway)).toEqual(variables);
        expect(secrets.providers.default.allowlist).toEqual(variables);
      }),
    );
  });
  it("points each agent's profile at that agent's own variable", () => {
    fc.assert(
      fc.property(someAgents, (agents) => {
        const plan = JSON.parse(generationOf(gatewayOf(agents)).files.secretsPlan) as {
          targets: { agentId: string; authProfileProvider: string; path: string; ref: { id: string } }[];
        };
        expect(plan.targets).toHaveLength(agents.flatMap(({ providers }) => providers).length);
        for (const { agentId, authProfileProvider, path, ref } of plan.targets) {
          expect(path).toBe(`profiles.${authProfileProvider}:${agentId}.key`);
          expect(ref.id).toBe(credentialVariable(agentId, authProfileProvider));
        }
      }),
    );
  });
});

describe("openclaw.json", () => {
  it("loads the plugins of its providers and no other", () => {
    const subject = gatewayOf([{ id: "one", providers: ["google-vertex", "anthropic"] }]);
    expect(usedPlugins(subject.gateway)).toEqual(["anthropic", "google"]);
    expect(configOf(subject).plugins.allow).toEqual(["anthropic", "google", "policy"]);
  });
  it("names address and protocol of a provider only where the spec has an address", () => {
    expect(configOf(gatewayWith()).models.providers).toBeUndefined();
    const routed = gatewayWith((gateway) => ({
      ...gateway,
      providers: [
        { id: "anthropic", baseUrl: "http://127.0.0.1:9000" },
        { id: "openai", baseUrl: "http://127.0.0.1:9001" },
        { id: "google" },
      ],
    }));
    expect(configOf(routed).models.providers).toEqual({
      anthropic: { baseUrl: "http://127.0.0.1:9000", api: "anthropic-messages" },
      openai: { baseUrl: "http://127.0.0.1:9001" },
    });
  });
  it("pins the runtime of OpenAI models, also of the utility model, and of no other", () => {
    const subject = gatewayWith((gateway) => ({
      ...gateway,
      agents: gateway.agents.map((agent) => ({
        ...agent,
        utilityModel: agent.id === "research" ? "openai/gpt-5-mini" : agent.model,
        credentials: [...agent.credentials, { provider: "openai", secret: "pulumi://openai" }],
      })),
    }));
    const { entries } = configOf(subject).agents;
    expect(entries["research"]?.models).toEqual({ "openai/gpt-5-mini": { agentRuntime: { id: "openclaw" } } });
    expect(entries["builder"]?.models).toBeUndefined();
  });
  it("takes the primary model for short helper calls unless the spec says otherwise", () => {
    expect(configOf(gatewayWith()).agents.entries["research"]?.utilityModel).toBe("anthropic/claude-opus-4-8");
  });
  it("gives every agent directories of its own below the home", () => {
    const { entries } = configOf(gatewayWith((gateway) => ({ ...gateway, home: "/srv/team" }))).agents;
    const directories = Object.values(entries).flatMap(({ workspace, agentDir }) => [workspace, agentDir]);
    expect(new Set(directories).size).toBe(4);
    for (const directory of directories) expect(directory).toMatch(/^\/srv\/team\//);
  });
});

/** The `tools` and `sandbox` blocks of an agent that is alone in its gateway. */
function toolsFor(permissions: Permissions) {
  const subject = gatewayWith((gateway) => ({
    ...gateway,
    agents: gateway.agents.slice(0, 1).map((agent) => ({ ...agent, permissions })),
  }));
  const entry = configOf(subject).agents.entries["research"];
  if (entry === undefined) throw new Error("no agent");
  return entry;
}

describe("keys that are delivered by file", () => {
  const subject = gatewayWith((gateway) => ({
    ...gateway,
    agents: gateway.agents.map((agent, index) => ({
      ...agent,
      credentials: agent.credentials.map((credential) => ({
        ...credential,
        ...(index === 0 && { delivery: "file" as const }),
      })),
    })),
  }));
  const [first, second] = subject.gateway.agents.map(({ id }) => credentialVariable(id, "anthropic"));

  it("are read from a private file, and no variable is allowed for them", () => {
    const { providers } = configOf(subject).secrets;
    expect(providers).toEqual({
      default: { source: "env", allowlist: ["OPENCLAW_GATEWAY_TOKEN", second] },
      "gatehouse-keys": { source: "file", path: "/home/oc-team-a/.config/gatehouse/keys.json", mode: "json" },
    });
    expect(configOf(gatewayWith()).secrets.providers).not.toHaveProperty("gatehouse-keys");
  });

  it("are what the agents' profiles refer to", () => {
    const { targets } = JSON.parse(generationOf(subject).files.secretsPlan) as { targets: { ref: unknown }[] };
    expect(targets.map(({ ref }) => ref)).toEqual([
      { source: "file", provider: "gatehouse-keys", id: `/${first ?? ""}` },
      { source: "env", provider: "default", id: second },
    ]);
  });

  it("are told to the node", () => {
    expect(generationOf(subject).agents.map(({ credentials }) => credentials[0]?.delivery)).toEqual([
      "file",
      undefined,
    ]);
  });
});

describe("where it listens", () => {
  const blockOf = (https?: GatewayInput["https"]): Readonly<Record<string, unknown>> =>
    configOf(gatewayWith((gateway) => ({ ...gateway, ...(https && { https }) }))).gateway;

  it("is loopback and plain HTTP unless the spec says otherwise", () => {
    expect(blockOf()).toMatchObject({ bind: "loopback" });
    expect(blockOf()).not.toHaveProperty("tls");
    expect(blockOf()).not.toHaveProperty("customBindHost");
  });

  it.each([
    ["loopback", { bind: "loopback" }],
    ["all", { bind: "lan" }],
    ["192.0.2.10", { bind: "custom", customBindHost: "192.0.2.10" }],
  ])("is %s with a certificate of its own, never the vendor's", (listen, expected) => {
    const block = blockOf({ listen, names: ["gw.example.internal"] });
    expect(block).toMatchObject({
      ...expected,
      tls: {
        enabled: true,
        autoGenerate: false,
        certPath: "/home/oc-team-a/.config/gatehouse/tls/certificate.pem",
        keyPath: "/home/oc-team-a/.config/gatehouse/tls/key.pem",
      },
    });
    expect("customBindHost" in block).toBe(expected.bind === "custom");
  });

  it("is behind the proxies that the spec names, and behind no other", () => {
    expect(blockOf()).toMatchObject({ trustedProxies: [] });
    const behind = gatewayWith((gateway) => ({ ...gateway, trustedProxies: ["127.0.0.1", "::1"] }));
    expect(configOf(behind).gateway).toMatchObject({ trustedProxies: ["127.0.0.1", "::1"] });
  });

  it("makes no generation with https and without a certificate", () => {
    const subject = gatewayWith((gateway) => ({ ...gateway, https: {} }));
    expect(() => generationOf(subject, { https: null })).toThrow(/has https, but no certificate/);
  });
});

describe("permissions", () => {
  const OUTREACH = [
    "conversations_send",
    "conversations_turn",
    "gateway",
    "group:automation",
    "group:nodes",
    "secrets",
    "sessions_send",
    "sessions_spawn",
    "subagents",
  ];

  it("denies commands, file writers and everything that reaches beyond the agent by default", () => {
    const { tools, sandbox } = toolsFor({});
    expect(tools.exec).toEqual({ host: "gateway", mode: "deny" });
    expect(tools.deny).toEqual(["apply_patch", "edit", "group:runtime", "write", ...OUTREACH].sort());
    expect(sandbox).toEqual({ mode: "off" });
  });
  it("grants a tool that the author asks for", () => {
    const { tools } = toolsFor({ allow: ["sessions_send"] });
    expect(tools.deny).not.toContain("sessions_send");
    expect(tools.alsoAllow).toEqual(["sessions_send"]);
  });
  it("lets file writers in with group:fs or the coding profile", () => {
    expect(toolsFor({ allow: ["group:fs"] }).tools.deny).not.toContain("write");
    expect(toolsFor({ allow: ["write"] }).tools.deny).toEqual(expect.arrayContaining(["edit", "apply_patch"]));
    expect(toolsFor({ profile: "coding" }).tools.deny).not.toContain("write");
  });
  it("grants one tool of a group and keeps the rest of it denied", () => {
    const { deny } = toolsFor({ allow: ["automations"] }).tools;
    expect(deny).not.toContain("automations");
    expect(deny).not.toContain("group:automation");
    expect(deny).toEqual(expect.arrayContaining(["plugins", "openclaw", "gateway"]));
  });
  it("never lets 'allow' win over the author's own deny", () => {
    expect(toolsFor({ allow: ["write"], deny: ["write"] }).tools.deny).toContain("write");
  });
  it("runs commands in a container without network, or refuses them", () => {
    const { tools, sandbox } = toolsFor({ exec: "sandbox" });
    expect(tools.exec).toEqual({ host: "sandbox", mode: "allowlist" });
    expect(sandbox).toMatchObject({ mode: "all", docker: { network: "none", readOnlyRoot: true, capDrop: ["ALL"] } });
    expect(tools.deny).not.toContain("group:runtime");
  });
  it("runs commands on the host only when asked to", () => {
    expect(toolsFor({ exec: "host" }).tools.exec).toEqual({ host: "gateway", mode: "full" });
  });
  it("keeps what reaches beyond the agent denied in every mode", () => {
    for (const exec of ["deny", "sandbox", "host"] as const) {
      for (const profile of ["minimal", "coding"] as const) {
        expect(toolsFor({ exec, profile }).tools.deny).toEqual(expect.arrayContaining(OUTREACH));
      }
    }
  });
});

describe("unit", () => {
  const subject = gatewayWith();
  const layout = layoutOf(subject);
  const { unit } = generationOf(subject).files;
  const lines = unit.split("\n");

  it("mounts shared directories read-only into the workspace, and nothing where there is no mount namespace", () => {
    const shared = gatewayWith((gateway) => ({
      ...gateway,
      agents: gateway.agents.slice(0, 1).map((agent) => ({
        ...agent,
        permissions: { preset: "reader" as const },
        sharedDirectories: ["/srv/handbook"],
      })),
    }));
    const { files } = generationOf(shared);
    const line = `BindReadOnlyPaths=/srv/handbook:${layoutOf(shared).workspace("research")}/shared/handbook`;
    expect(files.unit.split("\n")).toContain(line);
    expect(files.unitWithoutNamespaces).not.toContain("/srv/handbook");
    expect(unit).not.toContain("BindReadOnlyPaths");
  });
  it.each([
    ["its home, not a login's", `HOME=${layout.home}`],
    ["a temporary directory of its own", `TMPDIR=${layout.tempDir}`],
    ["a compile cache nobody else can write to", `NODE_COMPILE_CACHE=${layout.home}/.cache/openclaw-compile`],
    ["no options for Node from outside", "NODE_OPTIONS="],
    ["a shell, because the user's own is nologin", "SHELL=/bin/sh"],
    ["no vendor updates", "OPENCLAW_NO_AUTO_UPDATE=1"],
    ["no vendor repairs", "OPENCLAW_SERVICE_REPAIR_POLICY=external"],
    ["a configuration that the gateway does not write", "OPENCLAW_CONFIG_READONLY=1"],
    ["no announcement on the network", "OPENCLAW_DISABLE_BONJOUR=1"],
  ])("has %s", (_name, assignment) => {
    expect(lines).toContain(`Environment=${assignment}`);
  });
  it("takes secrets from a file and from nothing else", () => {
    expect(lines).toContain(`EnvironmentFile=-${layout.envFile}`);
    expect(unit).not.toMatch(/TOKEN|_KEY=|PassEnvironment|SetCredential/);
  });
  it("is the shape that the vendor audits, and starts the pinned Node", () => {
    for (const line of ["Restart=always", "RestartPreventExitStatus=78", "KillMode=mixed", "WantedBy=default.target"]) {
      expect(lines).toContain(line);
    }
    expect(unit).toMatch(/^ExecStart=\/opt\/gatehouse\/node\/[^/ ]+\/bin\/node --max-old-space-size=2048 \/opt\/gatehouse\/runtime\/\S+ gateway --port 18789$/m); // prettier-ignore
  });
  it.each([
    "NoNewPrivileges=yes",
    "UMask=0077",
    "LimitCORE=0",
    "PrivateUsers=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "CapabilityBoundingSet=",
    "SystemCallFilter=@system-service",
  ])("has the hardening %s", (directive) => {
    expect(lines).toContain(directive);
  });
  it("can write its state, workspaces and cache, and never reaches Gatehouse's directory or the user manager", () => {
    const paths = (name: string): string[] =>
      lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1).split(" ") ?? []; // prettier-ignore
    expect(paths("ReadWritePaths")).toEqual([layout.stateDir, layout.workspacesDir, layout.cacheDir, "/tmp"]);
    expect(paths("InaccessiblePaths")).toEqual([`-${layout.gatehouseDir}`, "-%t/bus", "-%t/systemd"]);
  });
  it("has nothing that kills Node's compiler or OpenClaw's locks", () => {
    expect(unit).not.toMatch(/^(MemoryDenyWriteExecute|RestrictSUIDSGID)=/m);
  });

  it("comes in a second form for machines without user namespaces, made from the first", () => {
    expect(generationOf(subject).files.unitWithoutNamespaces).toBe(seccompOnly(unit));
  });
  it("seccompOnly takes away exactly the directives that need a user namespace", () => {
    const needNamespace = /^(PrivateUsers|ProtectSystem|ProtectHome|ReadWritePaths|InaccessiblePaths|PrivateDevices|ProtectControlGroups|CapabilityBoundingSet)=/; // prettier-ignore
    const kept = seccompOnly(unit).split("\n");
    expect(kept).toEqual(lines.filter((line) => !needNamespace.test(line)));
    // shared directories, which this gateway has none of, add a line each
    expect(lines.length - kept.length).toBe(NAMESPACE_DIRECTIVES.length - 1);
    expect(kept).toEqual(expect.arrayContaining(["NoNewPrivileges=yes", "SystemCallFilter=@system-service"]));
    expect(seccompOnly(seccompOnly(unit))).toBe(seccompOnly(unit));
  });
});
