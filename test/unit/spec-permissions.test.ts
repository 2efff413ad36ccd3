import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deniedBeyond,
  parseFleet,
  PRESETS,
  SpecError,
  toolsOf,
  trustBoundary,
  type AgentSpec,
  type FleetInput,
} from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

type AgentInput = FleetInput["nodes"][number]["gateways"][number]["agents"][number];

/** The valid fleet with these agents in its gateway, each changed like this. */
function fleetWith(...changes: Record<string, unknown>[]): unknown {
  const fleet = validFleet();
  const gateway = fleet.nodes[0]?.gateways[0];
  if (gateway === undefined) throw new Error("the valid fleet has no gateway");
  const agents: AgentInput[] = gateway.agents;
  gateway.agents = agents.slice(0, changes.length).map((agent, index) => ({ ...agent, ...changes[index] }) as never);
  return fleet;
}

function problemsOf(fleet: unknown): string[] {
  try {
    parseFleet(fleet);
    return [];
  } catch (error) {
    if (error instanceof SpecError) return error.problems.map(({ field, problem }) => `${field}: ${problem}`);
    throw error;
  }
}

/** The only agent of a gateway, as parsed. */
function alone(changes: Record<string, unknown>): AgentSpec {
  const agent = parseFleet(fleetWith(changes)).nodes[0]?.gateways[0]?.agents[0];
  if (agent === undefined) throw new Error("no agent");
  return agent;
}

describe("presets", () => {
  it.each([
    ["observer", { profile: "minimal", allow: [], deny: [], exec: "deny" }, "agent"],
    ["reader", { profile: "minimal", allow: ["read"], deny: [], exec: "deny" }, "agent"],
    ["coder", { profile: "coding", allow: [], deny: ["group:web", "group:media"], exec: "sandbox" }, "agent"],
    ["operator", { profile: "coding", allow: [], deny: ["group:media"], exec: "host" }, "gateway"],
  ])("%s is what the page says", (preset, expected, boundary) => {
    const agent = alone({ permissions: { preset } });
    expect(agent.permissions).toEqual({ preset, ...expected });
    expect(trustBoundary(agent)).toBe(boundary);
  });

  it("covers each preset above, and the least is the default", () => {
    expect(Object.keys(PRESETS)).toEqual(["observer", "reader", "coder", "operator"]);
    expect(alone({}).permissions.preset).toBe("observer");
  });

  it("lets the author's own fields win", () => {
    const own = { preset: "coder", profile: "minimal", exec: "deny", allow: ["web_fetch"], deny: ["edit"] };
    expect(alone({ permissions: own }).permissions).toEqual({
      preset: "coder",
      profile: "minimal",
      exec: "deny",
      allow: ["web_fetch"],
      deny: ["web_search", "x_search", "group:media", "edit"],
    });
  });

  it("keeps what the author denies denied, also when it is allowed as well", () => {
    expect(alone({ permissions: { allow: ["read"], deny: ["read"] } }).permissions.deny).toEqual(["read"]);
  });

  it.each([
    [{ preset: "admin" }, /permissions\.preset/],
    [{ preset: "" }, /permissions\.preset/],
    [{ allow: ["*"] }, /permissions\.allow\[0\]: expected one tool or group in lower case/],
    [{ allow: ["Gateway"] }, /permissions\.allow\[0\]: expected one tool or group in lower case/],
    [{ allow: [""] }, /permissions\.allow\[0\]: expected one tool or group/],
    [{ deny: ["group:everything"] }, /permissions\.deny\[0\]: not a tool group; known are group:runtime/],
    [{ allow: ["exec"] }, /permissions\.allow: exec run commands, which 'exec: deny' forbids/],
    [{ presets: "coder" }, /permissions\.presets/],
  ])("refuses %j", (permissions, problem) => {
    expect(problemsOf(fleetWith({ permissions })).join("\n")).toMatch(problem);
  });
});

describe("trust boundary", () => {
  const REACHING = [
    "gateway",
    "secrets",
    "group:automation",
    "sessions_send",
    "sessions_spawn",
    "group:sessions",
    "nodes",
  ];

  it.each(REACHING)("an agent that is granted %s has its gateway for itself", (tool) => {
    const permissions = { allow: [tool] };
    expect(problemsOf(fleetWith({ permissions }, {}))).toEqual([
      expect.stringMatching(
        new RegExp(`agents\\[0\\]\\.permissions\\.allow: agent 'research' is granted ${tool}, which reach over`),
      ),
    ]);
    expect(problemsOf(fleetWith({ permissions }))).toEqual([]);
    expect(trustBoundary(alone({ permissions }))).toBe("gateway");
  });

  it.each([
    ["by preset", { preset: "operator" }],
    ["by field", { exec: "host" }],
  ])("so has an agent with host exec %s", (_, permissions) => {
    expect(problemsOf(fleetWith({}, { permissions })).join("\n")).toMatch(
      /agents\[1\]\.permissions\.exec: agent 'builder' may run commands on the host/,
    );
  });

  it("believes no declaration that is weaker than the permissions", () => {
    const agent = { trustBoundary: "agent", permissions: { preset: "operator" } };
    expect(problemsOf(fleetWith(agent))).toEqual([
      expect.stringMatching(/agents\[0\]\.trustBoundary: .* its boundary is 'gateway', not 'agent'/),
    ]);
  });

  it("gives an agent that asks for it a gateway for itself, or refuses", () => {
    expect(problemsOf(fleetWith({ trustBoundary: "gateway" }, {}))).toEqual([
      expect.stringMatching(/agents\[0\]\.trustBoundary: .* shares gateway 'team-a' with others/),
    ]);
    expect(problemsOf(fleetWith({ trustBoundary: "gateway" }))).toEqual([]);
    expect(problemsOf(fleetWith({ trustBoundary: "agent" }, { trustBoundary: "agent" }))).toEqual([]);
    expect(problemsOf(fleetWith({ trustBoundary: "machine" })).join()).toMatch(/trustBoundary/);
  });
});

describe("what stays denied", () => {
  const names = fc.constantFrom(
    "group:automation",
    "group:web",
    "gateway",
    "automations",
    "web_fetch",
    "read",
    "group:fs",
  );

  it("is every denied tool that is not granted, and no granted one", () => {
    fc.assert(
      fc.property(fc.uniqueArray(names), fc.uniqueArray(names), (denied, granted) => {
        const left = new Set(deniedBeyond(denied, granted).flatMap(toolsOf));
        const free = new Set(granted.flatMap(toolsOf));
        for (const tool of denied.flatMap(toolsOf)) expect(left.has(tool)).toBe(!free.has(tool));
      }),
    );
  });
  it("stays a group while none of it is granted, to cover what the vendor adds", () => {
    expect(deniedBeyond(["group:automation"], ["read"])).toEqual(["group:automation"]);
  });
});

describe("shared directories", () => {
  const reader = { permissions: { preset: "reader" } };

  it("go to agents that can read files, once by name", () => {
    const sharedDirectories = ["/srv/handbook", "/data/teams/a"];
    expect(problemsOf(fleetWith({ ...reader, sharedDirectories }))).toEqual([]);
    expect(alone({}).sharedDirectories).toEqual([]);
  });

  it.each([
    ["a relative path", ["docs"], reader, /sharedDirectories\[0\]: expected an absolute path/],
    ["a path upwards", ["/srv/../etc"], reader, /sharedDirectories\[0\]: must not contain/],
    ["a path with a dot", ["/srv/./docs"], reader, /not in its shortest form/],
    ["a top-level directory", ["/srv"], reader, /whole top-level directory/],
    ["one of the system's", ["/etc/ssl"], reader, /overlaps \/etc/],
    ["Gatehouse's own", ["/var/lib/gatehouse/keys"], reader, /overlaps \/var\/lib\/gatehouse/],
    ["what holds Gatehouse's own", ["/var/lib"], reader, /overlaps \/var\/lib\/gatehouse/],
    ["a gateway's home", ["/home/oc-team-a/workspaces"], reader, /overlaps \/home\/oc-team-a/],
    ["two of one name", ["/srv/a/docs", "/srv/b/docs"], reader, /\[1\]: .*is shared\/docs already/],
    ["an agent that can't read", ["/srv/docs"], {}, /agent 'research' has no tool to read files/],
    [
      "an agent that may not read",
      ["/srv/docs"],
      { permissions: { preset: "reader", deny: ["group:fs"] } },
      /no tool to read/,
    ],
    ["a sandbox", ["/srv/docs"], { permissions: { preset: "coder" } }, /does not see the mounts/],
  ])("refuse %s", (_, sharedDirectories, agent, problem) => {
    expect(problemsOf(fleetWith({ ...agent, sharedDirectories })).join("\n")).toMatch(problem);
  });

  it("refuse a Mac, which has no mount for one service", () => {
    const fleet = fleetWith({ ...reader, sharedDirectories: ["/srv/docs"] }) as { nodes: { platform: string }[] };
    for (const node of fleet.nodes) node.platform = "macos";
    expect(problemsOf(fleet).join("\n")).toMatch(/macOS has no read-only mount/);
  });
});
