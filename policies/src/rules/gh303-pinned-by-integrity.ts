import { Findings, keysAt } from "../read.ts";
import { RUNTIME } from "../resource.ts";
import { defineRule } from "../rule.ts";

const INTEGRITY = /^sha(?:256-[A-Za-z0-9+/]{43}=|512-[A-Za-z0-9+/]{86}==)$/;

export const gh303 = defineRule({
  id: "GH303",
  title: "Everything installed is pinned by its content",
  severity: "mandatory",
  reads: "`nodeIntegrity` and `lockfileHash` of every `Runtime`",
  why: "A version number is what a registry says today. A digest is what was tested: another content under the same name, from a mirror or a taken-over package, is refused by the node before it runs.",
  source: "npm subresource integrity; published deployments of OpenClaw install `latest` unpinned",
  fix: "give each archive of `runtime.node.archives` its `integrity`, and OpenClaw a lock directory with its package-lock.json",
  only: RUNTIME,
  parameters: {},
  check: ({ type, props }) => {
    if (type !== RUNTIME) return [];
    const found = new Findings(props);
    const lock = found.needText("lockfileHash");
    if (lock !== undefined && !INTEGRITY.test(lock)) found.add("lockfileHash is no digest");
    if (found.need("nodeIntegrity") === undefined) return found.problems;
    const targets = keysAt(props, "nodeIntegrity");
    if (targets.length === 0) found.add("nodeIntegrity is not declared");
    for (const target of targets) {
      const integrity = found.needText("nodeIntegrity", target);
      if (integrity !== undefined && !INTEGRITY.test(integrity)) found.add(`nodeIntegrity.${target} is no digest`);
    }
    return found.problems;
  },
});
