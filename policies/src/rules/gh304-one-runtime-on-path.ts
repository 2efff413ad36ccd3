import { unitOf } from "../gateway-unit.ts";
import { Findings } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh304 = defineRule({
  id: "GH304",
  title: "One Node and one OpenClaw for a unit",
  severity: "mandatory",
  reads: "what starts, and `PATH`, in `unitText` or `launchdJob` of every `Gateway`",
  why: "Two binaries on one PATH are why a fault comes and goes: the gateway runs one, its tools and the person who debugs it run the other, each with its own configuration.",
  source: "trap 3 of the field guide; OpenClaw issues #73457, #21126, #80386, #145292",
  fix: "let PATH begin with the directory of the pinned Node that ExecStart names, followed by system directories only",
  only: GATEWAY,
  parameters: {
    systemDirectories: {
      kind: "texts",
      default: ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"],
      doc: "Directories that may follow the pinned Node's",
    },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    const unit = unitOf(found);
    if (unit === undefined) return found.problems;
    const starts = unit.values("ExecStart");
    const path = unit.variable("PATH");
    if (starts.length !== 1) found.add(`its unit has ${starts.length} ExecStart lines, not one`);
    if (path === undefined) found.add("its unit has no PATH");
    const program = starts[0]?.split(" ")[0] ?? "";
    if (path === undefined || program === "") return found.problems;
    const [first, ...rest] = path.split(":");
    if (first !== program.slice(0, program.lastIndexOf("/")))
      found.add("its PATH does not begin with the directory of the Node that its unit starts");
    if (rest.some((directory) => !parameters.systemDirectories.includes(directory)))
      found.add("its PATH has a directory that could hold another Node or OpenClaw");
    const entries = new Set(starts.join(" ").match(/\S+\/node_modules\/openclaw\//g) ?? []);
    if (entries.size !== 1) found.add(`its unit names ${entries.size} installations of OpenClaw, not one`);
    return found.problems;
  },
});
