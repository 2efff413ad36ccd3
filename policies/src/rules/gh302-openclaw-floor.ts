import { Findings } from "../read.ts";
import { RUNTIME } from "../resource.ts";
import { defineRule } from "../rule.ts";
import { isOlder, versionOf } from "../version.ts";

/** First version without CVE-2026-25253; nothing below it is ever accepted. */
const CVE_FIX = "2026.1.29";

export const gh302 = defineRule({
  id: "GH302",
  title: "OpenClaw with its security fixes",
  severity: "mandatory",
  reads: "`openclawVersion` of every `Runtime`",
  why: "Before 2026.1.29 a link made the control page send the gateway token to a stranger's gateway (CVE-2026-25253). Advisories on token scopes and on authentication that survived a reload reach up to 2026.4.8.",
  source: "GHSA-g8p2-7wf7-98mq and the public advisories after it",
  fix: "set `runtime.openclaw.version` to the pinned release or a newer one, with its lock directory",
  only: RUNTIME,
  parameters: {
    minimum: {
      kind: "texts",
      default: ["2026.4.8"],
      doc: "One version: the oldest that is accepted. It cannot go below 2026.1.29",
    },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== RUNTIME) return [];
    const found = new Findings(props);
    const text = found.needText("openclawVersion");
    if (text === undefined) return found.problems;
    if (versionOf(text) === undefined) found.add("openclawVersion is no full version");
    else if (isOlder(text, CVE_FIX)) found.add(`openclawVersion is older than ${CVE_FIX}: CVE-2026-25253 is open`);
    for (const floor of parameters.minimum) {
      if (versionOf(floor) === undefined) found.add("the parameter 'minimum' is no full version");
      else if (!isOlder(text, CVE_FIX) && isOlder(text, floor)) found.add(`openclawVersion is older than ${floor}`);
    }
    return found.problems;
  },
});
