import { deniedBeyond, type PermissionsSpec } from "../spec/index.ts";

/** Tools that reach over to other agents, change the gateway or act on a timer: no agent has them unless the spec grants one. */
const ALWAYS_DENIED = [
  "group:automation",
  "group:nodes",
  "conversations_send",
  "conversations_turn",
  // also in group:automation; named for the vendor's audit, which looks for it
  "gateway",
  "secrets",
  "sessions_send",
  "sessions_spawn",
  "subagents",
];

/** Beyond that, what the `minimal` profile takes away. */
const FILE_WRITERS = ["write", "edit", "apply_patch"];

/** Vendor names of the tools that run commands. */
const COMMAND_RUNNERS = "group:runtime";

interface SandboxPolicy {
  readonly mode: "off" | "all";
  readonly backend?: "docker";
  readonly scope?: "agent";
  readonly workspaceAccess?: "rw";
  readonly docker?: { readonly network: "none"; readonly readOnlyRoot: true; readonly capDrop: readonly string[] };
}

interface ExecPolicy {
  readonly exec: { readonly host: "gateway" | "sandbox"; readonly mode: "deny" | "allowlist" | "full" };
  readonly sandbox: SandboxPolicy;
  readonly denied: readonly string[];
}

const EXEC: Readonly<Record<PermissionsSpec["exec"], ExecPolicy>> = {
  deny: { exec: { host: "gateway", mode: "deny" }, sandbox: { mode: "off" }, denied: [COMMAND_RUNNERS] },
  // no allowlist is written: a command that would fall back to the host is refused
  sandbox: {
    exec: { host: "sandbox", mode: "allowlist" },
    sandbox: {
      mode: "all",
      backend: "docker",
      scope: "agent",
      workspaceAccess: "rw",
      docker: { network: "none", readOnlyRoot: true, capDrop: ["ALL"] },
    },
    denied: [],
  },
  host: { exec: { host: "gateway", mode: "full" }, sandbox: { mode: "off" }, denied: [] },
};

export interface AgentTools {
  readonly tools: {
    readonly profile: PermissionsSpec["profile"];
    readonly alsoAllow: readonly string[];
    readonly deny: readonly string[];
    readonly exec: ExecPolicy["exec"];
    readonly fs: { readonly workspaceOnly: true };
    readonly elevated: { readonly enabled: false };
  };
  readonly sandbox: SandboxPolicy;
}

/** The `tools` and `sandbox` blocks of one agent (facts: OpenClaw 2026.9.6, configuration). */
export function agentTools(permissions: PermissionsSpec): AgentTools {
  const policy = EXEC[permissions.exec];
  const baseline = deniedBeyond(
    [...ALWAYS_DENIED, ...(permissions.profile === "minimal" ? FILE_WRITERS : [])],
    permissions.allow,
  );
  return {
    tools: {
      profile: permissions.profile,
      alsoAllow: sorted(permissions.allow),
      // `denied` of the exec policy is not negotiable through `allow`: the vendor lets deny win
      deny: sorted([...baseline, ...policy.denied, ...permissions.deny]),
      exec: policy.exec,
      fs: { workspaceOnly: true },
      elevated: { enabled: false },
    },
    sandbox: policy.sandbox,
  };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
