import type { Use } from "../fleet.ts";
import { Findings } from "../read.ts";
import { shown } from "../reference.ts";
import { AGENT, GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

const DIMENSIONS = ["agents", "gateways", "nodes", "environments"] as const;

/** How many different agents, gateways, nodes and environments a secret reaches. */
function reach(uses: readonly Use[]): Readonly<Record<(typeof DIMENSIONS)[number], number>> {
  const count = (of: (use: Use) => string | undefined): number =>
    new Set(uses.map(of).filter((value) => value !== undefined)).size;
  return {
    agents: count(({ agent, gateway }) => (agent === undefined ? undefined : `${gateway ?? ""}/${agent}`)),
    gateways: count(({ gateway }) => gateway),
    nodes: count(({ node }) => node),
    environments: count(({ environment }) => environment),
  };
}

const ceiling = (what: string, highest: number) =>
  ({ kind: "number", default: highest, doc: `Most ${what} that one secret may reach` }) as const;

export const gh110 = defineRule({
  id: "GH110",
  title: "A bounded blast radius",
  severity: "mandatory",
  reads: "`agent`, `gateway`, `node`, `environment` and the references of every `Gateway` and `Agent`",
  why: "What GH101 and GH102 let pass by an exception still adds up: this is the number of agents, gateways, nodes and environments that one leaked value takes with it.",
  source: "blast radius in the change ticket: step 6 of the field guide's runbook",
  fix: "issue more credentials, each for fewer agents; or raise the ceiling for everybody, in the pack's configuration",
  parameters: {
    agents: ceiling("agents", 3),
    gateways: ceiling("gateways", 2),
    nodes: ceiling("nodes", 2),
    environments: ceiling("environments", 2),
  },
  check: (resource, { fleet, parameters }) => {
    if (resource.type !== AGENT && resource.type !== GATEWAY) return [];
    const found = new Findings(resource.props);
    found.needText("gateway");
    found.needText("environment");
    if (resource.type === GATEWAY) found.needText("node");
    else found.needText("agent");
    for (const { reference } of fleet.usesOf(resource)) {
      const uses = fleet.usesOfSecret(reference);
      const radius = reach(uses);
      const others = uses.map(({ name }) => name).filter((name) => name !== resource.name);
      for (const dimension of DIMENSIONS) {
        const [reached, most] = [radius[dimension], parameters[dimension]];
        if (reached > most)
          found.add(`${shown(reference)} reaches ${reached} ${dimension}, at most ${most}`, ...others);
      }
    }
    return found.problems;
  },
});
