import { afterAll, describe, expect, it } from "vitest";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { find } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const PAST = "2020-01-01T00:00:00.000Z";
const FUTURE = "2999-01-01T00:00:00.000Z";
const fleet = fleetWith(files.sshKey);
const [node] = fleet.nodes;
const gateway = node?.gateways[0]?.name ?? "";

const entry = (fields: object): object => ({
  node: node?.name,
  gateway,
  track: "gateway",
  principal: gateway,
  provider: null,
  ref: null,
  fingerprint: "serves",
  due: PAST,
  ...fields,
});

describe("the ledger of the last update", () => {
  const overdue = async (outputs: Record<string, unknown>, preview = true): Promise<unknown> =>
    find(
      await runFleet(fleet, { preview, otherStacks: { "last-update": outputs } }),
      "gatehouse:index:Gateway",
      gateway,
    ).inputs["overdue"];

  it.each([true, false])("shows policies what of a gateway is overdue (preview: %s)", async (preview) => {
    const key = { track: "provider", principal: `${gateway}/research`, provider: "anthropic" };
    const ledger = [
      entry({}),
      entry({ ...key, fingerprint: null, ref: "vault://kv/a#key" }),
      entry({ ...key, provider: "openai", due: FUTURE }),
      entry({ due: null }),
      entry({ gateway: "another", principal: "another" }),
      entry({ node: "another" }),
      entry({ track: "certificate" }),
    ];
    expect(await overdue({ nodes: {}, ledger }, preview)).toEqual([
      { credential: "gateway token", due: PAST, mark: "serves" },
      { credential: "research/anthropic", due: PAST, mark: "vault://kv/a#key" },
    ]);
  });

  it("says nothing that a later run would show as a change", async () => {
    expect(await overdue({ nodes: {}, ledger: [entry({ due: FUTURE })] })).toEqual(await overdue({}));
  });

  it("is empty before the first update", async () => {
    expect(await overdue({})).toEqual([]);
  });

  it.each([[{ nodes: {} }], [{ nodes: {}, ledger: "none" }]])(
    "is not declared for a stack that has outputs and no ledger: %j",
    async (outputs) => {
      expect(await overdue(outputs)).toBeUndefined();
    },
  );
});
