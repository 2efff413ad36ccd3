/**
 * Members of the vendor's tool groups (OpenClaw 2026.9.6, docs/gateway/config-tools/tool-policy.md, "Tool groups").
 * `group:openclaw` and `group:plugins` depend on what is loaded and are listed by what they can reach at most.
 */
const GROUPS = {
  "group:runtime": ["exec", "process", "code_execution"],
  "group:fs": ["read", "write", "edit", "apply_patch"],
  "group:sessions": [
    "sessions",
    "sessions_list",
    "sessions_history",
    "sessions_search",
    "conversations_list",
    "conversations_send",
    "conversations_turn",
    "sessions_send",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
    "session_status",
    "suggest_task",
    "dismiss_task",
  ],
  "group:memory": ["memory_search", "memory_get"],
  "group:web": ["web_search", "x_search", "web_fetch"],
  "group:ui": ["browser", "screen", "theme", "dashboard", "terminal", "portal", "canvas", "show_widget"],
  "group:automation": ["heartbeat_respond", "automations", "cron", "gateway", "plugins", "openclaw"],
  "group:messaging": ["message"],
  "group:nodes": ["nodes", "computer"],
  "group:agents": [
    "agents_list",
    "get_goal",
    "create_goal",
    "update_goal",
    "progress_card",
    "ask_user",
    "skill_workshop",
  ],
  "group:media": ["view_image", "image_generate", "music_generate", "video_generate", "tts", "pdf"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const GROUP_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(GROUPS));

/** Names of the groups that a spec may use. */
export const TOOL_GROUPS: readonly string[] = Object.keys(GROUPS);

/** Tools that run commands; `exec` of the permissions decides on them, nothing else. */
export const COMMAND_TOOLS: readonly string[] = [...GROUPS["group:runtime"], "bash"];

/**
 * Tools that reach over to other agents, change the gateway, act on a timer or drive the machine: no agent has them unless
 * its spec grants one, and only an agent that is alone in its gateway may be granted one.
 */
export const REACH_OVER_TOOLS: readonly string[] = [
  ...GROUPS["group:automation"],
  ...GROUPS["group:nodes"],
  "browser",
  "canvas",
  "conversations_send",
  "conversations_turn",
  "dashboard",
  "portal",
  "screen",
  "secrets",
  "sessions_send",
  "sessions_spawn",
  "subagents",
  "terminal",
];

/** The tools that a name stands for: a group's members, or the tool itself. */
export function toolsOf(name: string): readonly string[] {
  return GROUP_MEMBERS.get(name) ?? [name];
}

/**
 * `denied` without what `granted` names. A group stays a group as long as none of its members is granted, so that it also
 * covers tools which a later vendor release adds to it.
 */
export function deniedBeyond(denied: readonly string[], granted: readonly string[]): string[] {
  const free = new Set(granted.flatMap(toolsOf));
  return denied.flatMap((name) => {
    const members = toolsOf(name);
    const left = members.filter((tool) => !free.has(tool));
    return left.length === members.length ? [name] : left;
  });
}
