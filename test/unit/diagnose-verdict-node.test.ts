import { describe, expect, it } from "vitest";
import type { UnusableProfile } from "../../node/diagnose/evidence.ts";
import { originOf } from "../../operations/diagnose/origin.ts";
import { serviceCommands } from "../../operations/diagnose/service-commands.ts";
import { verdictOf } from "../../operations/diagnose/verdict.ts";
import type { VerdictName } from "../../operations/diagnose/table.ts";
import { healthy, type Healthy } from "./diagnose-fixture.ts";

type Plant = (evidence: Healthy) => void;

function planted(plant: Plant) {
  const evidence = healthy();
  plant(evidence);
  return verdictOf(evidence);
}

const key = ({ node }: Healthy) => {
  const found = node.gateway.variables.find(({ track }) => track === "provider");
  if (found === undefined) throw new Error("no provider variable");
  return found;
};
const models = ({ node }: Healthy) => {
  const [found] = node.gateway.models;
  if (found === undefined) throw new Error("no agent");
  return found;
};
const resting =
  (reason: string): Plant =>
  (e) => {
    const profile: UnusableProfile = { profile: "anthropic:research", kind: "cooldown", reason, until: null };
    Object.assign(models(e), { status: 1, unusable: [profile] });
  };
const shellNode =
  (version: string | null): Plant =>
  ({ node }) =>
    node.gateway.identities?.push({
      who: "login shell",
      program: "node",
      path: "/usr/bin/node",
      version,
      pinned: false,
    });

const refused =
  (profile: string | null, reason: string): Plant =>
  (e) =>
    e.node.gateway.log?.refusals.push({ profile, reason, count: 2 });

const FAULTS: readonly (readonly [string, VerdictName, string, Plant])[] = [
  [
    "a configuration of root's, which nobody can validate",
    "config or disk",
    "files",
    (e) => {
      e.node.gateway.files[0]?.problems.push("belongs to uid 0");
      Object.assign(e.node.gateway.config ?? {}, { valid: false, issues: ["<root>: read failed: EACCES"] });
    },
  ],
  [
    "a drop-in that the manager has not noticed",
    "config or disk",
    "needs-reload",
    (e) => e.node.gateway.unreadDropIns.push("/home/oc-demo/x.conf"),
  ],
  ["no more files", "host", "inodes-used-up", (e) => (e.node.freeInodes = 3)],
  [
    "another agent's key",
    "provider credential",
    "key-of-another",
    (e) => Object.assign(key(e), { valueOf: "OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY" }),
  ],
  [
    "a profile that takes another agent's variable",
    "provider credential",
    "key-of-another-agent",
    (e) => Object.assign(models(e), { profiles: ["anthropic:research=ref(env:OPENCLAW_AGENT_BUILDER_ANTHROPIC_KEY)"] }),
  ],
  [
    "a profile that takes a variable of nobody",
    "provider credential",
    "key-of-another-agent",
    (e) => Object.assign(models(e), { profiles: ["anthropic:research=ref(env:SOMEBODYS_KEY)"] }),
  ],
  [
    "a key that another file of the unit replaces",
    "provider credential",
    "key-shadowed",
    (e) => {
      Object.assign(key(e), { overriddenBy: "/home/oc-demo/other.env" });
      Object.assign(key(e).sources, { process: "different", otherFile: "different" });
    },
  ],
  [
    "a key that the unit takes out again",
    "provider credential",
    "key-shadowed",
    (e) => {
      Object.assign(key(e), { overriddenBy: "UnsetEnvironment=" });
      key(e).sources.process = "missing";
    },
  ],
  [
    "a token in the configuration",
    "gateway session",
    "token-in-configuration",
    (e) => (e.node.gateway.configToken = { kind: "value", state: "different", masked: "abcd…wxyz" }),
  ],
  ["a key that the provider refused", "provider credential", "key-refused", resting("auth")],
  ["a key that was used too often", "provider credential", "key-resting", resting("rate_limit")],
  ["a key whose account has no credit", "provider credential", "key-resting", resting("billing")],
  ["refusals that the log still has", "provider credential", "key-refused", refused("anthropic:research", "auth")],
  ["Node 20 first in a login shell", "dual identity", "shell-node", shellNode("20.19.5")],
  ["an unknown Node first in a login shell", "dual identity", "shell-node", shellNode(null)],
];

describe("each fault of a node has its verdict", () => {
  it.each(FAULTS)("%s: %s [%s]", (_name, verdict, code, plant) => {
    const found = planted(plant);
    expect(found).toMatchObject({ verdict, code });
    expect(found.evidence.length).toBeGreaterThan(0);
    expect(found.firstCommand).not.toBeNull();
    expect(found.nextStep).not.toBeNull();
  });

  it("a refusal in the log names the agent, and is told once while the key rests", () => {
    expect(planted(refused("anthropic:research", "auth"))).toMatchObject({ agent: "research", provider: "anthropic" });
    const both = planted((e) => {
      resting("auth")(e);
      refused("anthropic:research", "auth")(e);
    });
    expect(both).toMatchObject({ code: "key-refused", confidence: "high", also: [] });
    const another = planted((e) => {
      e.frozen.agent = "builder";
      e.node.gateway.models = e.node.gateway.models.filter(({ agent }) => agent === "builder");
      refused("anthropic:research", "auth")(e);
    });
    expect(another.verdict).toBe("healthy");
  });

  it("a key that rests is never told to be changed", () => {
    expect(planted(resting("rate_limit")).nextStep).not.toContain("rotate");
    expect(planted(resting("auth"))).toMatchObject({ agent: "research", provider: "anthropic" });
  });

  it("a skewed clock says which clock is suspect", () => {
    const skewed = (synchronized: boolean | null) =>
      planted((e) => {
        e.clockAhead = -300;
        e.node.clockSynchronized = synchronized;
      }).evidence.join();
    expect(skewed(true)).toMatch(/300 s behind.*this machine's is suspect/);
    expect(skewed(false)).toMatch(/no time server/);
    expect(skewed(null)).toMatch(/not known/);
  });

  it("an ended service manager is told beside the linger that ended it", () => {
    const found = planted((e) => {
      e.node.lingers = false;
      e.node.gateway.unit = null;
    });
    expect(found.also.concat({ layer: "host", code: found.code, evidence: found.evidence })).toContainEqual(
      expect.objectContaining({ code: "linger-off" }),
    );
    expect(JSON.stringify(found)).toContain("it has ended already");
  });
});

const FINE: readonly (readonly [string, Plant])[] = [
  [
    "a rewrite of the vendor's that changed nothing",
    (e) => e.node.gateway.generation?.edits.push({ what: "configuration", changed: false, likely: "OpenClaw" }),
  ],
  ["a file system without a table of inodes", (e) => (e.node.freeInodes = "unlimited")],
  ["a clock that nobody can say is synchronized", (e) => (e.node.clockSynchronized = null)],
  ["refusals of an earlier process", (e) => Object.assign(e.node.gateway.log ?? {}, { providerFailures: { auth: 9 } })],
  ["a rate limit that the log still has", refused("anthropic:research", "rate_limit")],
  ["a Node in a login shell that OpenClaw runs on", shellNode("24.18.0")],
  ["a newer one", shellNode("26.1.0")],
  ["a value elsewhere that loses", (e) => (key(e).sources.manager = "different")],
  [
    "a profile whose label names no variable",
    (e) => Object.assign(models(e), { profiles: ["anthropic:research=token"] }),
  ],
];

it.each(FINE)("no false alarm: %s", (_name, plant) => {
  expect(planted(plant)).toMatchObject({ verdict: "healthy", also: [], missing: [] });
});

it.each([
  ["free inodes", (e: Healthy) => (e.node.freeInodes = null)],
  ["the configuration's token", (e: Healthy) => (e.node.gateway.configToken = null)],
])("a missing value is undecided: %s", (_name, plant) => {
  expect(planted(plant)).toMatchObject({ verdict: "undecided" });
});

it("the source that wins is named, and so are those that it hides", () => {
  const [one, linux] = [key(healthy()), serviceCommands("linux")];
  expect(originOf(one, linux)).toEqual({ winner: "environment file", shadowed: [] });
  const sources = { ...one.sources, dotenv: "different", manager: "different" } as const;
  expect(originOf({ ...one, sources }, linux)).toEqual({
    winner: "environment file",
    shadowed: ["the manager's environment", ".env"],
  });
  const over = { ...one, overriddenBy: "/x.env", sources: { ...sources, otherFile: "different" as const } };
  expect(originOf(over, linux).winner).toBe("/x.env");
  expect(originOf({ ...over, carrier: "key file" }, linux)).toEqual({ winner: "key file", shadowed: [] });
  const nowhere = { ...one.sources, environmentFile: "missing" } as const;
  expect(originOf({ ...one, sources: nowhere }, linux).winner).toBeNull();
});
