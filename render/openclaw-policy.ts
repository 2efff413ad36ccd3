import type { AgentSpec, GatewaySpec } from "../spec/index.ts";
import { agentTools } from "./agent-tools.ts";
import { keyFileVariables } from "./openclaw-config.ts";
import { usedProviders } from "./providers.ts";

/**
 * `policy.jsonc` of one gateway: what OpenClaw's bundled policy plugin holds its configuration to, from the same spec as
 * the configuration. Rules that the plugin cannot observe in a gateway of ours are left out (facts: openclaw.md 8; the
 * vendor's rule reference of 2026.9.6).
 */
export function renderOpenclawPolicy(gateway: GatewaySpec): string {
  const tools = gateway.agents.map(({ permissions }) => agentTools(permissions).tools);
  const policy = {
    models: { providers: { allow: usedProviders(gateway) } },
    mcp: { servers: { allow: [] } },
    network: { privateNetwork: { allow: false } },
    ingress: { session: { requireDmScope: "per-channel-peer" } },
    gateway: {
      exposure: {
        allowNonLoopbackBind: gateway.https !== undefined && gateway.https.listen !== "loopback",
        allowTailscaleFunnel: false,
      },
      auth: { requireAuth: true, requireExplicitRateLimit: true },
      controlUi: { allowInsecure: false },
      remote: { allow: false },
      http: { denyEndpoints: ["chatCompletions", "responses"] },
    },
    secrets: {
      requireManagedProviders: true,
      denySources: ["exec", ...(keyFileVariables(gateway).length === 0 ? ["file"] : [])],
      allowInsecureProviders: false,
    },
    auth: { profiles: { requireMetadata: ["provider", "mode"], allowModes: ["api_key"] } },
    dataHandling: {
      sensitiveLogging: { requireRedaction: true },
      telemetry: { denyContentCapture: true },
      memory: { denySessionTranscriptIndexing: true },
    },
    tools: {
      elevated: { allow: false },
      profiles: { allow: [...new Set(["minimal", ...tools.map(({ profile }) => profile)])].sort() },
    },
    scopes: Object.fromEntries(gateway.agents.map((agent) => [`agent-${agent.id}`, agentScope(agent)])),
  };
  return `${JSON.stringify(policy, null, 2)}\n`;
}

/** The vendor's security word for each mode that we write (its docs: `exec.mode` maps to security and ask). */
const SECURITY = { deny: "deny", allowlist: "allowlist", full: "full" } as const;

function agentScope({ id, permissions }: AgentSpec): object {
  const { tools, sandbox } = agentTools(permissions);
  return {
    agentIds: [id],
    tools: {
      profiles: { allow: [tools.profile] },
      fs: { requireWorkspaceOnly: true },
      exec: { allowSecurity: [SECURITY[tools.exec.mode]], allowHosts: [tools.exec.host] },
      elevated: { allow: false },
      alsoAllow: { expected: tools.alsoAllow },
      denyTools: tools.deny,
    },
    sandbox: {
      requireMode: [sandbox.mode],
      ...(sandbox.backend === undefined
        ? {}
        : {
            allowBackends: [sandbox.backend],
            containers: { denyHostNetwork: true, denyContainerRuntimeSocketMounts: true },
          }),
    },
  };
}
