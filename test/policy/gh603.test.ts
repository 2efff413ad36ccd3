import { expect, it } from "vitest";
import { judgeObserved } from "../../policies/src/observed.ts";
import { NODE } from "../../policies/src/resource.ts";
import { gh603 } from "../../policies/src/rules/gh603-comes-back-unattended.ts";
import { ruleContract, TODAY, UNKNOWN } from "./stack.ts";

const planted = (boot: unknown) => (stack: { set(type: string, name: string, path: readonly string[], value: unknown): void }) => { stack.set("GatewayNode", "box-1", ["boot"], boot); }; // prettier-ignore

ruleContract(gh603, {
  faults: [
    {
      label: "a locked disk",
      plant: planted({ fileVault: true }),
      says: [/box-1: FileVault is on: .*with a password/],
    },
    { label: "an automatic login", plant: planted({ automaticLogin: true }), says: [/box-1: somebody is logged in/] },
    { label: "a clock on its own", plant: planted({ networkTime: false }), says: [/box-1: the clock follows no/] },
    { label: "restarts at any time", plant: planted({ updatesRestart: true }), says: [/box-1: updates restart/] },
    {
      label: "what could not be found out",
      plant: planted({ fileVault: null, automaticLogin: null, networkTime: null, updatesRestart: null }),
      says: [
        /whether FileVault is on could not/,
        /logged in automatically could not/,
        /time server could not/,
        /by themselves could not/,
      ],
    },
    { label: "facts that are not known", plant: planted(UNKNOWN), says: [/box-1: boot is unknown at preview/] },
  ],
  needs: [],
});

const judged = (boot: Readonly<Record<string, unknown>>, config = {}) => {
  const props = { sleep: "prevented", boot };
  const resource = { urn: "urn:x", type: NODE, name: "box-1", parentType: "", props, secretOutputs: [] };
  return judgeObserved([resource], config, TODAY).filter(({ rule }) => rule === "GH603");
};

it("is an advice of the audit, with levels and exceptions of the team's", () => {
  expect(judged({ fileVault: true })).toMatchObject([{ level: "advisory", resource: "box-1" }]);
  expect(judged({ fileVault: true }, { GH603: "mandatory" })).toMatchObject([{ level: "mandatory" }]);
  expect(judged({ fileVault: true }, { GH603: "disabled" })).toEqual([]);
});

it("has nothing against a machine as it should be, whatever kind it is", () => {
  expect(judged({ fileVault: false, automaticLogin: false, networkTime: true, updatesRestart: false })).toEqual([]);
  expect(judged({ updatesRestart: false })).toEqual([]);
});
