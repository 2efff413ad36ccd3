import type { GatewaySpec } from "../spec/index.ts";

/** Plugins bundled with OpenClaw 2026.9.6 that serve a provider under another id (`openclaw.plugin.json`, `providers`). */
const PLUGIN_OF_PROVIDER: Readonly<Record<string, string>> = {
  "google-gemini-cli": "google",
  "google-vertex": "google",
  "minimax-portal": "minimax",
  "ollama-cloud": "ollama",
};

/** Every provider that an agent of this gateway has a credential for, sorted. */
export function usedProviders(gateway: GatewaySpec): string[] {
  return [...new Set(gateway.agents.flatMap((agent) => agent.credentials.map(({ provider }) => provider)))].sort();
}

/** The plugins that the gateway may load, sorted: those of its providers and no other. */
export function usedPlugins(gateway: GatewaySpec): string[] {
  return [...new Set(usedProviders(gateway).map((provider) => PLUGIN_OF_PROVIDER[provider] ?? provider))].sort();
}

/** Auth profile of one agent at one provider. The agent is part of the name, so no order can name somebody else's by accident. */
export function profileId(provider: string, agent: string): string {
  return `${provider}:${agent}`;
}
