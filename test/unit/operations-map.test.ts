import { describe, expect, it } from "vitest";
import { mermaid, svg } from "../../operations/map/draw.ts";
import { fleetMap } from "../../operations/map/graph.ts";
import { stackFleet, violatedRules } from "../../operations/map/sources.ts";
import { parseFleet, type FleetInput } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

/** Two machines in two environments; one key is in both of them, which no policy lets pass. */
function fleet() {
  const input: FleetInput = validFleet();
  const [node] = input.nodes;
  const [gateway] = node?.gateways ?? [];
  const [agent] = gateway?.agents ?? [];
  if (node === undefined || gateway === undefined || agent === undefined) throw new Error("no agent");
  return parseFleet({
    ...input,
    principals: [{ name: "runner-1", kind: "ci-runner", environment: "prod" }],
    nodes: [
      { ...node, gateways: [{ ...gateway, token: "pulumi://token", access: [{ principal: "runner-1" }] }] },
      {
        ...node,
        name: "box-2",
        gateways: [{ ...gateway, name: "team-b", environment: "staging", agents: [{ ...agent, id: "writer" }] }],
      },
    ],
  });
}

describe("the map of a fleet", () => {
  it("says how far each credential reaches", () => {
    expect(fleetMap(fleet()).credentials).toEqual([
      { credential: "SSH key of runner-1", agents: [], gateways: ["team-a"], nodes: ["box-1"], environments: ["prod"] },
      { credential: "generated token of team-b", agents: [], gateways: ["team-b"], nodes: ["box-2"], environments: ["staging"] }, // prettier-ignore
      { credential: "pulumi://builder-anthropic", agents: ["team-a/builder"], gateways: ["team-a"], nodes: ["box-1"], environments: ["prod"] }, // prettier-ignore
      {
        credential: "pulumi://research-anthropic",
        agents: ["team-a/research", "team-b/writer"],
        gateways: ["team-a", "team-b"],
        nodes: ["box-1", "box-2"],
        environments: ["prod", "staging"],
      },
      { credential: "pulumi://token", agents: [], gateways: ["team-a"], nodes: ["box-1"], environments: ["prod"] },
    ]);
  });

  it("says what a lost machine takes with it", () => {
    expect(fleetMap(fleet()).lostNodes).toEqual([
      {
        node: "box-1",
        gateways: ["team-a"],
        agents: ["team-a/builder", "team-a/research"],
        environments: ["prod"],
        credentials: [
          "SSH key of runner-1",
          "pulumi://builder-anthropic",
          "pulumi://research-anthropic",
          "pulumi://token",
        ],
      },
      {
        node: "box-2",
        gateways: ["team-b"],
        agents: ["team-b/writer"],
        environments: ["staging"],
        credentials: ["generated token of team-b", "pulumi://research-anthropic"],
      },
    ]);
  });

  it("links everything to something that is there", () => {
    const { items, links } = fleetMap(fleet());
    const ids = new Set(items.map(({ id }) => id));
    expect(ids.size).toBe(items.length);
    for (const { from, to } of links) expect(ids.has(from) && ids.has(to), `${from} ${to}`).toBe(true);
  });
});

describe("its drawing", () => {
  const violated = violatedRules([
    { rule: "GH102", resource: "team-b/writer", level: "mandatory", message: "m", fix: "f" },
    { rule: "GH101", resource: "team-b/writer", level: "mandatory", message: "m", fix: "f" },
    { rule: "GH101", resource: "team-b/writer", level: "mandatory", message: "again", fix: "f" },
  ]);

  it("as a flowchart marks what is refused, and what reaches far", () => {
    const text = mermaid(fleetMap(fleet(), violated));
    const id = (name: string): string => new RegExp(`(n\\d+)\\W+"[a-z]+ ${name}`).exec(text)?.[1] ?? "none";
    expect(text).toContain('"agent team-b/writer<br/>violates GH101, GH102"');
    expect(text).toMatch(new RegExp(`class ${id("team-b/writer")} violation$`, "m"));
    expect(text).toMatch(new RegExp(`class ${id("pulumi://research-anthropic")} wide$`, "m"));
    expect(text).toContain(`${id("team-b/writer")} --> ${id("team-b")}\n`);
    expect(mermaid(fleetMap(parseFleet(validFleet())))).not.toMatch(/^ {2}class /m);
  });

  it("as an image has the same words", async () => {
    const image = await svg(fleetMap(fleet(), violated));
    expect(image).toMatch(/<svg[^]*<\/svg>/);
    for (const words of ["violates GH101, GH102", "pulumi://research&#45;anthropic", "environment staging"]) {
      expect(image).toContain(words);
    }
  });
});

describe("the fleet of a stack", () => {
  it("is the one it was given last, or missed by name", async () => {
    const settings = () => Promise.resolve({ "gatehouse:fleet": JSON.stringify(validFleet()) });
    expect((await stackFleet({ settings })).nodes[0]?.name).toBe("box-1");
    await expect(stackFleet({ settings: () => Promise.resolve({}) })).rejects.toThrow("the stack has no fleet");
  });
});
