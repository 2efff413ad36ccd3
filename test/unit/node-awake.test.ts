import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { allowSleepIfUnused, keepAwake, releaseAwake, stopKeepingAwake } from "../../node/lib/awake.ts";
import { nodePaths } from "../../node/lib/paths.ts";
import { registerGateway, unregisterGateway } from "../../node/lib/registry.ts";
import type { Context } from "../../node/phase.ts";

const OWNER = { gateway: "team-a", user: "oc-team-a", home: "/home/oc-team-a" };
let context: Context;
let awake: boolean;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "gatehouse-awake-"));
  mkdirSync(join(root, "var/lib"), { recursive: true });
  awake = false;
  const set = (value: boolean) => () => {
    awake = value;
    return Promise.resolve();
  };
  const platform = { alwaysOn: { keep: set(true), release: set(false) } };
  context = { paths: nodePaths(root), platform } as unknown as Context;
  return () => {
    rmSync(root, { recursive: true });
  };
});

const removeAccount = async (): Promise<void> => {
  await unregisterGateway(context.paths, OWNER.gateway);
  await allowSleepIfUnused(context);
};

it.each([
  ["the account, then the runtime", [removeAccount, () => releaseAwake("r-1", context)]],
  ["the runtime, then the account", [() => releaseAwake("r-1", context), removeAccount]],
])("a machine may sleep again once both are gone: %s", async (_, [first, second]) => {
  await keepAwake("r-1", context);
  await registerGateway(context.paths, OWNER);
  await first?.();
  expect(awake).toBe(true);
  await second?.();
  expect(awake).toBe(false);
});

it("stays awake when its last account is made anew", async () => {
  await keepAwake("r-1", context);
  await registerGateway(context.paths, OWNER);
  await removeAccount();
  expect(awake).toBe(true);
});

it("stays awake for the runtime that came after the removed one", async () => {
  await keepAwake("r-1", context);
  await keepAwake("r-2", context);
  await releaseAwake("r-1", context);
  expect(awake).toBe(true);
});

it("may sleep at once when the fleet does not ask for it any more, whoever lives there", async () => {
  await keepAwake("r-1", context);
  await registerGateway(context.paths, OWNER);
  await stopKeepingAwake(context);
  expect(awake).toBe(false);
});

it("may sleep when nothing is known to ask for it", async () => {
  awake = true;
  await allowSleepIfUnused(context);
  expect(awake).toBe(false);
});
