import type { NodeDesign } from "./fleet.ts";
import type { FleetProblem } from "./fleet-rules.ts";
import type { AgentSpec, GatewaySpec } from "./gateway.ts";
import { defaultHome } from "./names.ts";
import { toolsOf } from "./tools.ts";

/** Belongs to the system, to Gatehouse, or to whoever comes first. */
const NOT_SHARED = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/opt/gatehouse",
  "/proc",
  "/root",
  "/run",
  "/sbin",
  "/sys",
  "/tmp",
  "/usr",
  "/var/lib/gatehouse",
  "/var/run",
  "/var/tmp",
];

/** What an agent's shared directories must be, on the node it lives on. */
export function sharedDirectoryProblems(
  node: Pick<NodeDesign, "platform" | "gateways">,
  gateway: GatewaySpec,
  path: readonly (string | number)[],
): FleetProblem[] {
  const homes = node.gateways.map(({ user, home }) => home ?? defaultHome(node.platform, user));
  return gateway.agents.flatMap((agent, a) =>
    agent.sharedDirectories.flatMap((directory, index) => {
      const why = objection(directory, agent, { platform: node.platform, homes, index });
      return why === undefined
        ? []
        : [{ path: [...path, "agents", a, "sharedDirectories", index], message: `${directory}: ${why}` }];
    }),
  );
}

function objection(
  directory: string,
  agent: AgentSpec,
  place: { readonly platform: NodeDesign["platform"]; readonly homes: readonly string[]; readonly index: number },
): string | undefined {
  const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(`${outer}/`);
  const nameOf = (one: string): string => one.slice(one.lastIndexOf("/") + 1);
  if (place.platform === "macos") return "macOS has no read-only mount for one service; give the agent a copy instead";
  if (directory.lastIndexOf("/") === 0) return "is a whole top-level directory; share one below it";
  if (directory.split("/").includes(".")) return "is not in its shortest form";
  const system = NOT_SHARED.find((one) => within(directory, one) || within(one, directory));
  if (system !== undefined) return `overlaps ${system}, which is not for agents`;
  const home = place.homes.find((one) => within(directory, one) || within(one, directory));
  if (home !== undefined) return `overlaps ${home}, the home of a gateway's user; its files are that gateway's alone`;
  if (agent.sharedDirectories.slice(0, place.index).some((earlier) => nameOf(earlier) === nameOf(directory))) {
    return `another one is shared/${nameOf(directory)} already; a name appears once in a workspace`;
  }
  const { profile, allow, deny, exec } = agent.permissions;
  if (exec === "sandbox")
    return "the vendor's sandbox does not see the mounts of the gateway; share it without 'exec: sandbox'";
  const named = (names: readonly string[]): boolean => names.some((name) => toolsOf(name).includes("read"));
  if (named(deny) || (profile === "minimal" && !named(allow))) {
    return `agent '${agent.id}' has no tool to read files; the preset 'reader' has`;
  }
  return undefined;
}
