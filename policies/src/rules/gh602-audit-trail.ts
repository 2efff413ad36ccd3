import { Findings, lengthAt, read, textAt } from "../read.ts";
import { GATEWAY } from "../resource.ts";
import { defineRule } from "../rule.ts";

export const gh602 = defineRule({
  id: "GH602",
  title: "An audit trail, with redaction",
  severity: "mandatory",
  reads: "`openclaw.logging` of every `Gateway`",
  why: "After an incident the log is the only witness of which agent did what. Without redaction it is also one more place where keys lie.",
  source:
    "OpenClaw 2026.9.6: `logging.audit`; `redactPatterns` replaces the default patterns, so an empty list turns them off",
  fix: "set `logging.audit.enabled` and `executionIdentity`, a `logging.file`, level info, and leave `redactPatterns` out or give it patterns",
  only: GATEWAY,
  parameters: {
    levels: {
      kind: "texts",
      default: ["info", "warn"],
      doc: "Log levels that are accepted; debug levels write whole requests",
    },
  },
  check: ({ type, props }, { parameters }) => {
    if (type !== GATEWAY) return [];
    const found = new Findings(props);
    found.expect(true, "openclaw", "logging", "audit", "enabled");
    found.expect(true, "openclaw", "logging", "audit", "executionIdentity");
    found.needText("openclaw", "logging", "file");
    const level = found.needText("openclaw", "logging", "level");
    if (level !== undefined && !parameters.levels.includes(level))
      found.add(`openclaw.logging.level is none of ${parameters.levels.join(", ")}`);
    if (textAt(props, "openclaw", "logging", "audit", "messages") === "all")
      found.add("openclaw.logging.audit.messages keeps what people wrote");
    const patterns = read(props, "openclaw", "logging", "redactPatterns");
    if (patterns.state === "unknown") found.add("openclaw.logging.redactPatterns is unknown at preview");
    if (patterns.state === "known" && lengthAt(props, "openclaw", "logging", "redactPatterns") === 0)
      found.add("openclaw.logging.redactPatterns is empty, which turns redaction off");
    return found.problems;
  },
});
