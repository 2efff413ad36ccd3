import { instance } from "@viz-js/viz";
import type { FleetMap, MapItem, MapKind } from "./graph.ts";

/** Shape in Graphviz, and brackets in Mermaid. */
const SHAPES: Readonly<Record<MapKind, { readonly dot: string; readonly mermaid: readonly [string, string] }>> = {
  credential: { dot: "note", mermaid: [">", "]"] },
  principal: { dot: "house", mermaid: ["[/", "\\]"] },
  agent: { dot: "ellipse", mermaid: ["([", "])"] },
  gateway: { dot: "box", mermaid: ["[", "]"] },
  node: { dot: "box3d", mermaid: ["[[", "]]"] },
  environment: { dot: "folder", mermaid: ["{{", "}}"] },
};

/** Reaches more than one agent or environment, so that one leak is more than one rotation. */
function isWide(map: FleetMap, { kind, name }: MapItem): boolean {
  const reach = kind === "credential" ? map.credentials.find(({ credential }) => credential === name) : undefined;
  return reach !== undefined && (reach.agents.length > 1 || reach.environments.length > 1);
}

function label({ kind, name, rules }: MapItem): string {
  return [`${kind} ${name}`, ...(rules.length === 0 ? [] : [`violates ${rules.join(", ")}`])].join("\n");
}

/** A flowchart for a pull request or a ticket; violations are red, credentials that reach far are bold. */
export function mermaid(map: FleetMap): string {
  const ids = new Map(map.items.map(({ id }, index) => [id, `n${index}`]));
  const text = (item: MapItem): string => label(item).replaceAll('"', "#quot;").replaceAll("\n", "<br/>");
  const marked = (mark: string, items: readonly MapItem[]): string[] =>
    items.length === 0 ? [] : [`  class ${items.map(({ id }) => ids.get(id) ?? "").join(",")} ${mark}`];
  return [
    "flowchart LR",
    ...map.items.map((item) => {
      const [open, close] = SHAPES[item.kind].mermaid;
      return `  ${ids.get(item.id) ?? ""}${open}"${text(item)}"${close}`;
    }),
    ...map.links.map(({ from, to }) => `  ${ids.get(from) ?? ""} --> ${ids.get(to) ?? ""}`),
    "  classDef violation fill:#fdd,stroke:#c00",
    "  classDef wide stroke-width:3px",
    ...marked(
      "violation",
      map.items.filter(({ rules }) => rules.length > 0),
    ),
    ...marked(
      "wide",
      map.items.filter((item) => isWide(map, item)),
    ),
  ].join("\n");
}

/** Graphviz's own language: JSON strings are its quoted strings, but for the line break. */
function dot(map: FleetMap): string {
  const quoted = (text: string): string => JSON.stringify(text).replaceAll("\\\\n", "\\n");
  return [
    "digraph fleet {",
    '  rankdir=LR; node [fontname="sans-serif", fontsize=10, style=filled, fillcolor=white];',
    ...map.items.map((item) => {
      const look = [
        `label=${quoted(label(item))}`,
        `shape=${SHAPES[item.kind].dot}`,
        ...(item.rules.length > 0 ? ['fillcolor="#ffdddd"', 'color="#cc0000"'] : []),
        ...(isWide(map, item) ? ["penwidth=3"] : []),
      ];
      return `  ${quoted(item.id)} [${look.join(", ")}];`;
    }),
    ...map.links.map(({ from, to }) => `  ${quoted(from)} -> ${quoted(to)};`),
    "}",
  ].join("\n");
}

/** The same as an image. */
export async function svg(map: FleetMap): Promise<string> {
  return (await instance()).renderString(dot(map), { format: "svg" });
}
