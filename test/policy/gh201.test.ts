import { describe, expect, it } from "vitest";
import { gh201 } from "../../policies/src/rules/gh201-private-paths.ts";
import { good, UNKNOWN, violations, type Props } from "./resources.ts";
import { ruleContract } from "./stack.ts";

const firstPath = (props: Props): Props => (props["paths"] as Props[])[0] ?? {};

describe.each([
  ["Gateway", good.gateway],
  ["Agent", good.agent],
])("GH201 no path that others can read, %s", (_type, make) => {
  it("is quiet on private paths", () => {
    expect(violations(gh201, make)).toEqual([]);
  });

  it.each(["0755", "0740", "0701", "0604"])("refuses mode %s", (mode) => {
    const found = violations(gh201, make, (p) => {
      firstPath(p)["mode"] = mode;
    });
    expect(found).toEqual([expect.stringContaining(`has mode ${mode}`)]);
  });

  it.each(["700", "rwx------", 448])("refuses a mode that is not four octal digits: %j", (mode) => {
    expect(
      violations(gh201, make, (p) => {
        firstPath(p)["mode"] = mode;
      }),
    ).toEqual([expect.stringContaining("is not four octal digits")]);
  });

  it("takes a missing mode, path or list for a violation", () => {
    expect(
      violations(gh201, make, (p) => {
        delete firstPath(p)["mode"];
      }),
    ).toEqual([expect.stringMatching(/the mode of .* is not declared/)]);
    expect(
      violations(gh201, make, (p) => {
        delete firstPath(p)["path"];
      }),
    ).toEqual(["paths[0].path is not declared"]);
    expect(
      violations(gh201, make, (p) => {
        delete p["paths"];
      }),
    ).toEqual(["paths is not declared"]);
    expect(
      violations(gh201, make, (p) => {
        p["paths"] = [];
      }),
    ).toEqual(["paths is not declared"]);
  });

  it("takes an unknown mode or list for a violation", () => {
    expect(
      violations(gh201, make, (p) => {
        firstPath(p)["mode"] = UNKNOWN;
      }),
    ).toEqual([expect.stringMatching(/the mode of .* is unknown at preview/)]);
    expect(
      violations(gh201, make, (p) => {
        p["paths"] = UNKNOWN;
      }),
    ).toEqual(["paths is unknown at preview"]);
  });
});

ruleContract(gh201, {
  faults: [
    {
      label: "a path that others can read",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["paths", 0, "mode"], "0755");
      },
      says: [/team-a: \/home\/oc-team-a has mode 0755, which other users of the node can use/],
    },
    {
      label: "a path in a directory of everybody",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["paths", 0, "path"], "/tmp/team-a");
      },
      says: [/team-a: \/tmp\/team-a lies in \/tmp, where others can write/],
    },
    {
      label: "an agent's path that a group can read",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["paths", 0, "mode"], "0750");
      },
      says: [/team-a\/builder: \S+ has mode 0750/],
    },
    {
      label: "no paths",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["paths"], []);
      },
      says: [/team-a\/builder: paths is not declared/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["paths"]],
    ["Gateway", "team-a", ["paths", 0, "mode"]],
    ["Gateway", "team-a", ["paths", 0, "path"]],
    ["Agent", "team-a/builder", ["paths", 0, "mode"]],
  ],
});
