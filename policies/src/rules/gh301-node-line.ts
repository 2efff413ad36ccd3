import { Findings } from "../read.ts";
import { RUNTIME } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { isOlder, versionOf } from "../version.ts";

export const gh301 = defineRule({
  id: "GH301",
  title: "A supported Node",
  severity: "mandatory",
  reads: "`nodeVersion` of every `Runtime`",
  why: "OpenClaw refuses to start on another line, and earlier 24.x releases cut SQLite texts at a NUL, so that a credential store comes back damaged.",
  source: "OpenClaw 2026.9.6: `engines` of its package (`>=24.16.0 <25 || >=26.1.0`) and its documentation",
  fix: "set `runtime.node.version` of the node to a 24 release from 24.16.0 on",
  only: RUNTIME,
  parameters: {
    major: { kind: "number", default: 24, doc: "Line that the fleet runs on" },
    minimumMinor: { kind: "number", default: 16, doc: "Oldest minor release of that line" },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== RUNTIME) return [];
    const found = new Findings(props);
    const text = found.needText("nodeVersion");
    if (text === undefined) return found.problems;
    const version = versionOf(text);
    const floor = `${parameters.major}.${parameters.minimumMinor}.0`;
    if (version === undefined) found.add("nodeVersion is no full version");
    else if (version[0] !== parameters.major || isOlder(text, floor))
      found.add(`nodeVersion is outside ${floor} to the end of the ${parameters.major} line`);
    return found.problems;
  },
});
