import { Findings, textsAt } from "../read.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { runsOnHost } from "./gh203-host-exec-alone.ts";

/** Tools with which an agent reaches other agents, the gateway itself, a timer or the machine's screen. */
const REACHING = [
  "group:automation",
  "group:nodes",
  "group:sessions",
  "group:ui",
  "browser",
  "canvas",
  "computer",
  "conversations_send",
  "conversations_turn",
  "cron",
  "gateway",
  "nodes",
  "plugins",
  "screen",
  "secrets",
  "sessions_send",
  "sessions_spawn",
  "subagents",
  "terminal",
];

export const gh701 = defineRule({
  id: "GH701",
  title: "Tools within the agent's preset",
  severity: "mandatory",
  reads:
    "`openclaw.tools`, `openclaw.sandbox`, `permissions` and `trustBoundary` of every `Agent`; `openclaw.tools` and `openclaw.agents.defaults` of every `Gateway`",
  why: "What an agent may do is decided by what was rendered for OpenClaw. An elevated tool skips the sandbox, an unsandboxed command reads every key of its process, and a session tool lets one agent act as another.",
  source:
    "OpenClaw 2026.9.6: session tools reach across agents by default (`security.trust_model.cross_agent_session_access_default`)",
  fix: "choose the preset that the agent needs; what reaches further needs `trustBoundary: gateway` and a gateway of its own",
  parameters: {
    reachingTools: {
      kind: "texts",
      default: REACHING,
      doc: "Tools and groups that only an agent with a gateway of its own may have",
    },
  },
  check: (resource, { parameters }) => {
    const { type, props } = resource;
    const found = new Findings(props);
    if (type === GATEWAY) {
      found.expect(false, "openclaw", "tools", "elevated", "enabled");
      found.expect(false, "openclaw", "tools", "agentToAgent", "enabled");
      found.expect("agent", "openclaw", "tools", "sessions", "visibility");
      found.expect("deny", "openclaw", "tools", "exec", "mode");
      found.expect("off", "openclaw", "agents", "defaults", "elevatedDefault");
    }
    if (type !== AGENT) return found.problems;
    found.needText("permissions", "preset");
    const exec = found.needText("permissions", "exec");
    const boundary = found.needText("trustBoundary");
    found.expect(false, "openclaw", "tools", "elevated", "enabled");
    found.needText("openclaw", "tools", "exec", "mode");
    if (runsOnHost(resource) && exec !== "host")
      found.add("its commands run outside the sandbox that its preset gives it");
    if (runsOnHost(resource) && boundary !== "gateway")
      found.add("its commands run on the host, and its boundary is not gateway");
    found.need("openclaw", "tools", "deny");
    const denied = textsAt(props, "openclaw", "tools", "deny");
    const reaching = textsAt(props, "openclaw", "tools", "alsoAllow").filter(
      (tool) => parameters.reachingTools.includes(tool) && !denied.includes(tool),
    );
    if (boundary !== "gateway" && reaching.length > 0)
      found.add(`it may use ${reaching.join(", ")}, and its boundary is not gateway`);
    return found.problems;
  },
});
