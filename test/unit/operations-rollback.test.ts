import { describe, expect, it } from "vitest";
import type { CredentialChange, RollbackPoint, RollbackPoints } from "../../node/rollback/point.ts";
import { OperationError } from "../../operations/error.ts";
import { exitStatusOf } from "../../operations/exit.ts";
import { rollbackPlan, type RollbackRequest } from "../../operations/rollback/plan.ts";
import { planText, rollbackText } from "../../operations/rollback/report.ts";

const [LIVE, LAST, FIRST] = ["g-3333333333333333", "g-2222222222222222", "g-1111111111111111"] as const;

const token: CredentialChange = {
  track: "gateway",
  variable: "OPENCLAW_GATEWAY_TOKEN",
  agent: null,
  provider: null,
  before: "h1.a",
  after: "h1.b",
};
const key: CredentialChange = {
  ...token,
  track: "provider",
  variable: "KEY",
  agent: "research",
  provider: "anthropic",
};

const obstacle = {
  layer: "config or disk",
  code: "state-newer",
  message: "state/openclaw.sqlite has schema 8",
  fix: "add --restore-state",
} as const;

function point(generation: string, changes: Partial<RollbackPoint> = {}): RollbackPoint {
  return {
    generation,
    lastLive: "2026-11-26T08:00:00.000Z",
    openclawVersion: "2026.9.6",
    credentials: [],
    obstacle: null,
    ...changes,
  };
}

const node = (...points: RollbackPoint[]): RollbackPoints => ({
  live: { generation: LIVE, openclawVersion: "2026.9.6" },
  points,
});
const asked = (changes: Partial<RollbackRequest> = {}): RollbackRequest => ({
  gateway: "team-a",
  to: undefined,
  state: "keep",
  together: undefined,
  ...changes,
});

/** Refused as input: nothing was done. */
function refusal(found: RollbackPoints, request: RollbackRequest): string {
  try {
    rollbackPlan(found, request);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    expect(exitStatusOf(error.failures)).toBe(2);
    return `${error.message} ${error.fix}`;
  }
  throw new Error("it was not refused");
}

describe("a rollback", () => {
  it("goes to what was live before, or to the generation that is named", () => {
    const found = node(point(LAST), point(FIRST));
    expect(rollbackPlan(found, asked())).toMatchObject({ from: LIVE, to: { generation: LAST } });
    expect(rollbackPlan(found, asked({ to: FIRST }))).toMatchObject({ to: { generation: FIRST } });
  });

  it.each([
    ["nothing is live", { live: null, points: [] }, asked(), "no live generation"],
    ["there is no other generation", node(), asked(), "no generation but the live one"],
    ["the generation is live", node(point(LAST)), asked({ to: LIVE }), "is live already"],
    [
      "the node does not have it",
      node(point(LAST), point(FIRST)),
      asked({ to: "g-4" }),
      `go back to ${LAST}, ${FIRST}`,
    ],
    ["the state is newer", node(point(LAST, { obstacle })), asked(), "add --restore-state"],
    ["token and keys would change", node(point(LAST, { credentials: [token, key] })), asked(), "--both-layers REASON"],
    [
      "nothing says that the version knows the state, whatever is asked",
      node(point(LAST, { obstacle: { ...obstacle, code: "state-unknown" } })),
      asked({ state: "restore snapshot" }),
      "state-unknown",
    ],
  ])("is refused before anything is touched when %s", (_why, found, request, words) => {
    expect(refusal(found, request)).toContain(words);
  });

  it("goes on with what was asked for in so many words", () => {
    const restored = rollbackPlan(node(point(LAST, { obstacle })), asked({ state: "restore snapshot" }));
    expect(planText(restored)).toContain("the state that this version left comes back");
    const both = node(point(LAST, { credentials: [token, key] }));
    expect(rollbackPlan(both, asked({ together: "leaked host" })).to.credentials).toHaveLength(2);
  });

  it("changes one layer without a word", () => {
    for (const credentials of [[token], [key, { ...key, variable: "OTHER" }]])
      expect(rollbackPlan(node(point(LAST, { credentials })), asked()).to.credentials).toEqual(credentials);
  });

  it("tells before and after it what changes, by fingerprint", () => {
    const plan = rollbackPlan(node(point(LAST, { credentials: [key] })), asked());
    expect(planText(plan)).toContain("research, anthropic");
    const text = rollbackText({
      ...{ node: "box-1", gateway: "team-a", from: LIVE, to: LAST, openclawVersion: "2026.9.6" },
      ...{ credentials: [key], restoredState: null, interruptionSeconds: 9.5, health: "ready", seconds: 21.4 },
      record: { seq: 7, hash: "0", path: "record/prod.jsonl" },
    });
    for (const words of [`${LIVE} -> ${LAST}`, "h1.a -> h1.b", "as it was", `still declares ${LIVE}`, "entry 7"])
      expect(text).toContain(words);
  });
});
