import { afterAll, describe, expect, it } from "vitest";
import { dueDate } from "../../components/ledger.ts";
import { rotatedTogether } from "../../components/rotation-guard.ts";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { find, visible } from "./mocked-run.ts";

describe("an update of both layers of a gateway", () => {
  const before = { tokenFingerprint: "t1", providerFingerprints: { "a/anthropic": "k1", "b/anthropic": "k2" } };
  const token = { ...before, tokenFingerprint: "t2" };
  const both = { ...token, providerFingerprints: { "a/anthropic": "k1", "b/anthropic": "k3" } };

  it("is refused, and named", () => {
    expect(rotatedTogether(before, both)).toContain("the provider keys of b/anthropic together");
  });

  it.each([
    ["nothing", before],
    ["the token alone", token],
    ["keys alone", { ...both, tokenFingerprint: "t1" }],
    ["the token beside a new agent", { ...token, providerFingerprints: { ...before.providerFingerprints, c: "k9" } }],
    ["the token beside a removed agent", { ...token, providerFingerprints: { "a/anthropic": "k1" } }],
    ["both, as declared", { ...both, change: { rotateTogether: { reason: "break-in" } } }],
  ])("is none with %s", (_what, after) => {
    expect(rotatedTogether(before, after)).toBeUndefined();
  });

  it("is refused where the state does not say what the keys were", () => {
    expect(rotatedTogether({ tokenFingerprint: "t1" }, both)).toContain("the state does not say");
    expect(rotatedTogether({}, both)).toContain("the state does not say");
  });

  it("takes what is not known yet for another value", () => {
    const unknown = { tokenFingerprint: undefined, providerFingerprints: both.providerFingerprints };
    expect(rotatedTogether(before, unknown)).toContain("b/anthropic");
  });
});

describe("the ledger", () => {
  const files = new OperatorFiles();
  afterAll(() => {
    files.remove();
  });

  it("has a line for the token and for every key, without a secret", async () => {
    const run = await runFleet(fleetWith(files.sshKey));
    const ledger = visible(run.stackOutputs["ledger"]) as Record<string, unknown>[];
    expect(ledger.map(({ track, principal, provider, ref }) => [track, principal, provider, ref])).toEqual([
      ["gateway", "team-a", null, null],
      ["provider", "team-a/research", "anthropic", "pulumi://research-anthropic"],
      ["provider", "team-a/builder", "anthropic", "pulumi://builder-anthropic"],
    ]);
    const gateway = find(run, "gatehouse:index:Gateway", "team-a").inputs;
    const keys = gateway["providerFingerprints"] as Record<string, string>;
    expect(ledger.map(({ fingerprint }) => fingerprint)).toEqual([
      gateway["tokenFingerprint"],
      keys["research/anthropic"],
      keys["builder/anthropic"],
    ]);
    expect(JSON.stringify(ledger)).not.toContain("CANARY");
  });

  it("says when each was issued and is due, and nothing where no node has said it", async () => {
    const dates = { issued: "2026-01-01T00:00:00.000Z", rotated: "2026-02-01T00:00:00.000Z" };
    const variable = "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY";
    const fleet = fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: node.gateways.map((gateway) => ({
        ...gateway,
        agents: gateway.agents.map((agent) => ({
          ...agent,
          credentials: agent.credentials.map((credential) => ({ ...credential, rotateEveryDays: 30 })),
        })),
      })),
    }));
    const { stackOutputs } = await runFleet(fleet, { issued: [{ variable, fingerprint: "", ...dates }] });
    expect(stackOutputs["ledger"]).toMatchObject([
      { issued: null, rotated: null, due: null },
      { ...dates, due: "2026-03-03T00:00:00.000Z" },
      { issued: null, rotated: null, due: null },
    ]);
  });

  it("counts in days of 24 hours", () => {
    expect(dueDate("2026-03-01T12:00:00.000Z", 90)).toBe("2026-05-30T12:00:00.000Z");
  });
});
