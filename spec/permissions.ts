import { z } from "zod";
import { COMMAND_TOOLS, deniedBeyond, REACH_OVER_TOOLS, TOOL_GROUPS, toolsOf } from "./tools.ts";

/** What an agent may do, in the vendor's terms, before its own fields. */
interface Preset {
  readonly profile: "minimal" | "coding";
  readonly exec: "deny" | "sandbox" | "host";
  readonly allow: readonly string[];
  /** Taken away from the profile unless `allow` names it. */
  readonly deny: readonly string[];
}

/**
 * - `observer`: answers from its prompt; no files, commands, web or other sessions.
 * - `reader`: also reads its workspace and its shared directories.
 * - `coder`: reads and writes its workspace and runs commands in the vendor's sandbox; no web, no media services.
 * - `operator`: commands run on the node as the gateway's user, web included; alone in its gateway.
 */
export const PRESETS = {
  observer: { profile: "minimal", exec: "deny", allow: [], deny: [] },
  reader: { profile: "minimal", exec: "deny", allow: ["read"], deny: [] },
  coder: { profile: "coding", exec: "sandbox", allow: [], deny: ["group:web", "group:media"] },
  operator: { profile: "coding", exec: "host", allow: [], deny: ["group:media"] },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;

const PRESET_NAMES = ["observer", "reader", "coder", "operator"] as const satisfies readonly PresetName[];

/** The vendor compares tool names without case and knows `*`; here a name means exactly one thing. */
const toolSchema = z
  .string()
  .regex(/^(?:group:)?[a-z][a-z0-9_-]{0,63}$/, "expected one tool or group in lower case, without '*'")
  .refine((name) => !name.startsWith("group:") || TOOL_GROUPS.includes(name), {
    error: `not a tool group; known are ${TOOL_GROUPS.join(", ")}`,
  });

/** What an agent may do: a preset, and what this agent needs differently. The least is the default. */
export const permissionsSchema = z
  .strictObject({
    /** Where the other fields start from: `observer`, `reader`, `coder` or `operator`. */
    preset: z.enum(PRESET_NAMES).default("observer"),
    /** Vendor tool profile; default: the preset's. */
    profile: z.enum(["minimal", "coding"]).optional(),
    /** Tools granted beyond the preset (vendor tool or `group:` names). */
    allow: z.array(toolSchema).default([]),
    /** Tools taken away from the preset (vendor tool or `group:` names); wins over `allow`. */
    deny: z.array(toolSchema).default([]),
    /**
     * Where commands run: `deny` nowhere, `sandbox` in the vendor's Docker sandbox, `host` as the gateway's user.
     * An agent with `host` reads every credential of its gateway, so it has to be alone in it. Default: the preset's.
     */
    exec: z.enum(["deny", "sandbox", "host"]).optional(),
  })
  .transform(({ preset, profile, allow, deny, exec }) => {
    const base: Preset = PRESETS[preset];
    const granted = [...new Set([...base.allow, ...allow])];
    return {
      preset,
      profile: profile ?? base.profile,
      allow: granted,
      deny: [...new Set([...deniedBeyond(base.deny, granted), ...deny])],
      exec: exec ?? base.exec,
    };
  });

/** Permissions with the preset worked in: nothing is left to look up. */
export type PermissionsSpec = z.output<typeof permissionsSchema>;

/**
 * What separates an agent from the others: `agent` its own credentials, workspace and tool policy inside a shared
 * process; `gateway` an OS user and a process of its own.
 */
export const TRUST_BOUNDARIES = ["agent", "gateway"] as const;
export type TrustBoundary = (typeof TRUST_BOUNDARIES)[number];

/** Why these permissions need an OS user and a process of their own, by field; empty when they do not. */
export function reachesOver(permissions: PermissionsSpec): readonly { field: "exec" | "allow"; why: string }[] {
  const tools = permissions.allow.filter((name) => toolsOf(name).some((tool) => REACH_OVER_TOOLS.includes(tool)));
  return [
    ...(permissions.exec === "host"
      ? [{ field: "exec" as const, why: "may run commands on the host and so reads every credential of its gateway" }]
      : []),
    ...(tools.length > 0
      ? [
          {
            field: "allow" as const,
            why: `is granted ${tools.join(", ")}, which reach over to other agents, the gateway or the machine`,
          },
        ]
      : []),
  ];
}

/** Granted tools that run commands although `exec` denies them. */
export function uselessGrants({ allow, exec }: PermissionsSpec): readonly string[] {
  return exec === "deny" ? allow.filter((name) => toolsOf(name).some((tool) => COMMAND_TOOLS.includes(tool))) : [];
}
