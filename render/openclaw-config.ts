import {
  credentialVariable,
  GATEWAY_TOKEN_VARIABLE,
  type AgentSpec,
  type CredentialSpec,
  type GatewaySpec,
  type NodeDesign,
} from "../spec/index.ts";
import { KEY_FILE_PROVIDER } from "./secrets-plan.ts";
import { agentTools } from "./agent-tools.ts";
import type { GatewayLayout } from "./layout.ts";
import { profileId, usedPlugins, usedProviders } from "./providers.ts";

const POLICY_PLUGIN = "policy";

/**
 * `openclaw.json` of one gateway. Every key is accepted by `openclaw config validate` of 2026.9.6; `meta` comes last, as
 * the vendor writes it, so that a vendor rewrite leaves the bytes alone (facts: openclaw.md 0.10, 2).
 */
export function renderOpenclawConfig(node: NodeDesign, gateway: GatewaySpec, layout: GatewayLayout): string {
  const config = {
    gateway: gatewayBlock(gateway, layout),
    discovery: { mdns: { mode: "off" } },
    update: { channel: "stable", checkOnStart: false, auto: { enabled: false } },
    telemetry: { enabled: false },
    secrets: {
      providers: {
        default: { source: "env", allowlist: secretVariables(gateway) },
        ...(keyFileVariables(gateway).length === 0
          ? {}
          : { [KEY_FILE_PROVIDER]: { source: "file", path: layout.keysPath, mode: "json" } }),
      },
      defaults: { env: "default" },
    },
    auth: authBlock(gateway),
    models: modelsBlock(gateway),
    agents: agentsBlock(gateway, layout),
    tools: {
      profile: "minimal",
      elevated: { enabled: false },
      sessions: { visibility: "agent" },
      agentToAgent: { enabled: false },
      exec: { mode: "deny" },
    },
    session: { dmScope: "per-channel-peer" },
    memory: { search: { enabled: false } },
    browser: { enabled: false },
    plugins: pluginsBlock(gateway, layout),
    diagnostics: { enabled: true },
    logging: {
      level: "info",
      consoleLevel: "info",
      consoleStyle: "pretty",
      file: layout.logFile,
      maxFileBytes: 20 * 1024 * 1024,
      audit: { enabled: true, executionIdentity: true, messages: "off" },
    },
    meta: {
      migrations: { modelPolicyAllowlist: true, utilityModelSeparation: true },
      lastTouchedVersion: node.runtime.openclaw.version,
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function variablesWith(gateway: GatewaySpec, wanted: CredentialSpec["delivery"]): string[] {
  return gateway.agents.flatMap((agent) =>
    agent.credentials.flatMap(({ provider, delivery }) =>
      delivery === wanted ? [credentialVariable(agent.id, provider)] : [],
    ),
  );
}

/** Variables of the process that the configuration refers to: the gateway token first, then one per agent and provider. */
export function secretVariables(gateway: GatewaySpec): string[] {
  return [GATEWAY_TOKEN_VARIABLE, ...variablesWith(gateway, "environment")];
}

/** Names of the keys in the file that OpenClaw reads, where there are such. */
export function keyFileVariables(gateway: GatewaySpec): string[] {
  return variablesWith(gateway, "file");
}

function listening({ https }: GatewaySpec): object {
  if (https === undefined || https.listen === "loopback") return { bind: "loopback" };
  // measured, 2026.9.6: `lan` is 0.0.0.0, no IPv6
  if (https.listen === "all") return { bind: "lan" };
  return { bind: "custom", customBindHost: https.listen };
}

/** The vendor's own certificate has no names in it and can only be pinned (facts: remote-access.md 2). */
function tlsBlock({ https }: GatewaySpec, layout: GatewayLayout): object {
  if (https === undefined) return {};
  return {
    tls: {
      enabled: true,
      autoGenerate: false,
      certPath: layout.certificatePath,
      keyPath: layout.certificateKeyPath,
    },
  };
}

function gatewayBlock(gateway: GatewaySpec, layout: GatewayLayout): object {
  return {
    mode: "local",
    ...listening(gateway),
    port: gateway.port,
    auth: {
      mode: "token",
      token: { source: "env", provider: "default", id: GATEWAY_TOKEN_VARIABLE },
      allowTailscale: false,
      rateLimit: { maxAttempts: 10, windowMs: 60_000, lockoutMs: 300_000, exemptLoopback: true },
    },
    ...tlsBlock(gateway, layout),
    trustedProxies: gateway.trustedProxies,
    tailscale: { mode: "off" },
    controlUi: { enabled: false },
    terminal: { enabled: false },
    cliAgents: { enabled: false },
    http: { endpoints: { chatCompletions: { enabled: false }, responses: { enabled: false } } },
    nodes: { pairing: { autoApproveLocal: false, sshVerify: false }, allowSkills: false },
    reload: { mode: "off" },
  };
}

/** The order is explicit for every provider: without it an agent that has no profile takes an ambient key (facts 0.3). */
function authBlock(gateway: GatewaySpec): object {
  const holders = (provider: string): AgentSpec[] =>
    gateway.agents.filter((agent) => agent.credentials.some((credential) => credential.provider === provider));
  return {
    profiles: Object.fromEntries(
      gateway.agents.flatMap((agent) =>
        agent.credentials.map(({ provider }) => [profileId(provider, agent.id), { provider, mode: "api_key" }]),
      ),
    ),
    order: Object.fromEntries(
      usedProviders(gateway).map((provider) => [
        provider,
        holders(provider).map((agent) => profileId(provider, agent.id)),
      ]),
    ),
  };
}

function modelsBlock(gateway: GatewaySpec): object {
  const routed = gateway.providers.filter(({ baseUrl }) => baseUrl !== undefined);
  return {
    ...(routed.length === 0
      ? {}
      : { providers: Object.fromEntries(routed.map(({ id, baseUrl }) => [id, { baseUrl, ...wireProtocol(id) }])) }),
    catalogRefresh: { enabled: false },
  };
}

/** Without it a model that the vendor's catalogue does not list is asked in OpenAI's protocol (measured, 2026.9.6). */
function wireProtocol(provider: string): object {
  return provider === "anthropic" ? { api: "anthropic-messages" } : {};
}

function agentsBlock(gateway: GatewaySpec, layout: GatewayLayout): object {
  const first = gateway.agents[0];
  return {
    ownership: "explicit",
    defaults: {
      systemAgent: { agentId: first?.id },
      // `models status` falls back to a vendor model without it and then reports a healthy gateway as broken
      model: { primary: first?.model, fallbacks: [] },
      skipBootstrap: true,
      heartbeat: { every: "0m" },
      elevatedDefault: "off",
      sandbox: { mode: "off" },
    },
    entries: Object.fromEntries(gateway.agents.map((agent) => [agent.id, agentEntry(agent, layout)])),
  };
}

function agentEntry(agent: AgentSpec, layout: GatewayLayout): object {
  const utilityModel = agent.utilityModel ?? agent.model;
  return {
    name: agent.id,
    workspace: layout.workspace(agent.id),
    agentDir: layout.agentDir(agent.id),
    model: { primary: agent.model, fallbacks: [] },
    utilityModel,
    ...pinnedRuntimes([agent.model, utilityModel]),
    skills: [],
    ...agentTools(agent.permissions),
  };
}

/** An `openai/` model without this pin makes the gateway install a package at start, and hang where it cannot (facts 0.9). */
function pinnedRuntimes(models: readonly string[]): object {
  const pinned = [...new Set(models)].filter((model) => model.startsWith("openai/"));
  if (pinned.length === 0) return {};
  return { models: Object.fromEntries(pinned.map((model) => [model, { agentRuntime: { id: "openclaw" } }])) };
}

function pluginsBlock(gateway: GatewaySpec, layout: GatewayLayout): object {
  const plugins = usedPlugins(gateway);
  return {
    enabled: true,
    allow: [...plugins, POLICY_PLUGIN],
    entries: {
      ...Object.fromEntries(plugins.map((plugin) => [plugin, { enabled: true }])),
      // holds this file to policy.jsonc, in `openclaw policy check` and in `doctor --lint`; repairs nothing
      [POLICY_PLUGIN]: {
        enabled: true,
        config: { enabled: true, path: layout.policyPath, workspaceRepairs: false },
      },
    },
  };
}
