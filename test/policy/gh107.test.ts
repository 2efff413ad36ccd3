import { gh107 } from "../../policies/src/rules/gh107-rotation-window.ts";
import { describe, expect, it } from "vitest";
import { goodFleet, previewed, ruleContract, Stack, unchanged, UNKNOWN } from "./stack.ts";
import { OperatorFiles } from "../component/fleet.ts";

const TOKEN = (due: string, mark = "serves") => ({ credential: "gateway token", due, mark });
const KEY = (due: string, mark = "serves") => ({ credential: "builder/anthropic", due, mark });

/** What the last ledger calls overdue, beside an update that leaves token and key as they serve. */
function overdue(stack: Stack, gateway: string, entries: readonly object[]): void {
  stack.set("Gateway", gateway, ["tokenFingerprint"], "serves");
  stack.set("Gateway", gateway, ["providerFingerprints"], { "builder/anthropic": "serves" });
  stack.set("Gateway", gateway, ["overdue"], entries);
}

ruleContract(gh107, {
  faults: [
    {
      label: "a key that lives too long in production",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], 91);
      },
      says: [/team-a\/builder: the key for anthropic is rotated every 91 days, in prod at most 90/],
    },
    {
      label: "a token that lives too long",
      plant: (stack) => {
        stack.set("Gateway", "team-a", ["token", "rotateEveryDays"], 200);
      },
      says: [/team-a: the gateway token is rotated every 200 days, in prod at most 90/],
    },
    {
      label: "never",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], 0);
      },
      says: [/team-a\/builder: the key for anthropic is rotated every 0 days/],
    },
    {
      label: "no number",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"], "often");
      },
      says: [/team-a\/builder: credentials\[0\]\.rotateEveryDays is no number/],
    },
    {
      label: "a shorter time that the team sets",
      plant: unchanged,
      says: [/team-b: .* every 90 days, in staging at most 30/, /team-b\/hands: .* in staging at most 30/],
      given: { maximumDays: { staging: 30 } },
    },
    {
      label: "an unheard-of kind of environment",
      plant: (stack) => {
        stack.set("Agent", "team-a/builder", ["environmentKind"], "moon");
      },
      says: [/team-a\/builder: environmentKind is none of prod, staging, dev, ci/],
    },
    {
      label: "a token and a key that nobody rotated for weeks, and a token in staging that is as late",
      plant: (stack) => {
        overdue(stack, "team-a", [TOKEN("2026-11-08T11:59:00Z"), KEY("2026-10-01T00:00:00Z")]);
        overdue(stack, "team-b", [TOKEN("2026-11-01T00:00:00Z")]);
      },
      says: [
        /team-a: gateway token should have been rotated 15 days ago, at most 14 are allowed/,
        /team-a: builder\/anthropic should have been rotated 53 days ago, at most 14 are allowed/,
      ],
    },
    {
      label: "less patience that the team has",
      plant: (stack) => {
        overdue(stack, "team-b", [TOKEN("2026-11-20T00:00:00Z")]);
      },
      says: [/team-b: gateway token should have been rotated 3 days ago, at most 2 are allowed/],
      given: { lateDays: { staging: 2 } },
    },
    {
      label: "an overdue credential without a date",
      plant: (stack) => {
        overdue(stack, "team-a", [TOKEN("soon")]);
      },
      says: [/team-a: overdue has an entry without a date/],
    },
  ],
  needs: [
    ["Gateway", "team-a", ["overdue"]],
    ["Gateway", "team-a", ["environmentKind"]],
    ["Gateway", "team-a", ["token", "rotateEveryDays"]],
    ["Agent", "team-a/builder", ["environmentKind"]],
    ["Agent", "team-a/builder", ["credentials", 0, "rotateEveryDays"]],
    ["Agent", "team-a/builder", ["credentials"]],
  ],
});

describe("GH107 while something overdue is rotated", () => {
  const LONG_AGO = "2026-01-01T00:00:00Z";
  const stackOf = async (): Promise<Stack> => {
    const files = new OperatorFiles();
    try {
      return new Stack(await previewed(goodFleet(files.sshKey)));
    } finally {
      files.remove();
    }
  };

  it.each([
    ["another fingerprint", "new"],
    ["one that is not known yet", UNKNOWN],
  ])("lets the other layer wait for its own update: %s", async (_what, fingerprint) => {
    const stack = await stackOf();
    overdue(stack, "team-a", [TOKEN(LONG_AGO), KEY(LONG_AGO)]);
    expect(stack.violations(gh107)).toHaveLength(2);
    stack.set("Gateway", "team-a", ["tokenFingerprint"], fingerprint);
    expect(stack.violations(gh107)).toEqual([]);
  });

  it("holds a gateway to its own: what another rotates does not count", async () => {
    const stack = await stackOf();
    overdue(stack, "team-a", [TOKEN(LONG_AGO)]);
    overdue(stack, "team-b", [TOKEN(LONG_AGO)]);
    stack.set("Gateway", "team-b", ["tokenFingerprint"], "new");
    expect(stack.violations(gh107)).toEqual([expect.stringContaining("team-a: gateway token")]);
  });

  it("cannot see it of a key that the node reads: the reference stays", async () => {
    const stack = await stackOf();
    overdue(stack, "team-a", [KEY(LONG_AGO, "vault://kv/a#key")]);
    stack.set("Gateway", "team-a", ["providerFingerprints"], { "builder/anthropic": "vault://kv/a#key" });
    expect(stack.violations(gh107)).toHaveLength(1);
  });
});
