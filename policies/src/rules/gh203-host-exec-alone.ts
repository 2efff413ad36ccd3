import { Findings, read, textAt } from "../read.ts";
import { AGENT, type Resource } from "../resource.ts";
import { defineRule } from "../rule.ts";

/** Whether an agent's commands run outside a sandbox; anything that is not clearly fenced does. */
export function runsOnHost(agent: Resource): boolean {
  const mode = textAt(agent.props, "openclaw", "tools", "exec", "mode");
  const sandboxed = textAt(agent.props, "openclaw", "sandbox", "mode") === "all";
  return mode !== "deny" && !(sandboxed && textAt(agent.props, "openclaw", "tools", "exec", "host") === "sandbox");
}

export const gh203 = defineRule({
  id: "GH203",
  title: "Host exec means a gateway of its own",
  severity: "mandatory",
  reads: "`gateway`, `openclaw.tools.exec` and `openclaw.sandbox` of every `Agent`, as rendered for OpenClaw",
  why: "An agent that may run commands on the host sees every variable of its gateway's process and every file of its user: the other agents' keys and the gateway token. Neither directories nor references are a boundary inside one process.",
  source:
    "OpenClaw 2026.9.6, measured with a model that called `exec env`; the vendor's position: one gateway, one trust boundary",
  fix: "give the agent `exec: sandbox` or `deny`, or a gateway and an OS user of its own",
  only: AGENT,
  parameters: {},
  check: (resource, { fleet }) => {
    if (resource.type !== AGENT) return [];
    const found = new Findings(resource.props);
    const gateway = found.needText("gateway");
    const mode = found.needText("openclaw", "tools", "exec", "mode");
    if (mode !== "deny") {
      found.needText("openclaw", "tools", "exec", "host");
      found.needText("openclaw", "sandbox", "mode");
    } else if (read(resource.props, "openclaw", "tools", "exec", "host").state === "unknown")
      found.needText("openclaw", "tools", "exec", "host");
    if (gateway === undefined || found.problems.length > 0) return found.problems;
    const others = fleet.agentsIn(gateway).filter(({ name }) => name !== resource.name);
    const [free] = others.filter(runsOnHost);
    const names = others.map(({ name }) => name);
    if (runsOnHost(resource) && others.length > 0)
      found.add(`it may run commands on the host and shares its gateway with ${names.join(", ")}`, ...names);
    else if (free !== undefined)
      found.add(`it shares its gateway with ${free.name}, which may run commands on the host`, free.name);
    return found.problems;
  },
});
