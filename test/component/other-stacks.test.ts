import { afterAll, describe, expect, it } from "vitest";
import type { FleetInput } from "../../spec/index.ts";
import { fleetWith, OperatorFiles, runFleet } from "./fleet.ts";
import { find } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const STAGING = "acme/gateways/staging";
const fleet = (otherStacks: string[]): FleetInput => ({ ...fleetWith(files.sshKey), otherStacks });
const line = (ref: string | null, track = "provider") => ({ track, principal: "gw/agent", environment: "trial", ref });

describe("other stacks of the team", () => {
  const shown = async (outputs: Record<string, unknown>, preview = true): Promise<unknown> =>
    find(
      await runFleet(fleet([STAGING]), { preview, otherStacks: { [STAGING]: outputs } }),
      "gatehouse:index:OtherStack",
      STAGING,
    ).inputs["credentials"];

  it.each([true, false])(
    "show policies where their credentials are kept, and no more (preview: %s)",
    async (preview) => {
      const ledger = [line("vault://kv/a#key"), line("op://Ops/item/field", "gateway"), line(null, "access")];
      expect(await shown({ ledger, gatewayTokens: { gw: "CANARY" } }, preview)).toEqual([
        { principal: "gw/agent", environment: "trial", track: "provider", ref: "vault://kv/a#key" },
        { principal: "gw/agent", environment: "trial", track: "gateway", ref: "op://Ops/item/field" },
      ]);
    },
  );

  it.each(["pulumi://research", "env://KEY", "file:///home/jo/key"])(
    "leave out %s, which is another value there",
    async (ref) => {
      expect(await shown({ ledger: [line(ref)] })).toEqual([]);
    },
  );

  it.each([[{}], [{ ledger: "none" }]])("say nothing for a stack without a ledger: %j", async (outputs) => {
    expect(await shown(outputs)).toBeUndefined();
  });

  it("are registered before the fleet, however long the engine takes to read them", async () => {
    const otherStacks = { [STAGING]: { ledger: [] } };
    const run = await runFleet(fleet([STAGING]), { preview: true, otherStacks, readMs: 300 });
    const names = run.resources.map(({ type }) => type);
    expect(names.indexOf("gatehouse:index:OtherStack")).toBeLessThan(names.indexOf("gatehouse:index:Gateway"));
  });

  it.each([
    ["half a name", ["gateways/staging"], /otherStacks\[0\]: expected ORGANISATION\/PROJECT\/STACK/],
    ["one twice", [STAGING, STAGING], /otherStacks\[1\]: '\S+' is named twice/],
  ])("are refused by %s", async (_what, names, problem) => {
    await expect(runFleet(fleet(names))).rejects.toThrow(problem);
  });
});
