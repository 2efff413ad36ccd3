import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { gatewayPhase, settle } from "../../node/gateway/index.ts";
import { nodePaths, type NodePaths } from "../../node/lib/paths.ts";
import { registerGateway } from "../../node/lib/registry.ts";
import { noSession, requireStart } from "../../node/lib/require-start.ts";
import type { Context } from "../../node/phase.ts";
import { darwin } from "../../node/platform/darwin/platform.ts";
import { DEAD_MAN } from "../../node/switch/switch.ts";

const own = vi.hoisted(() => ({ home: "" }));
const jo = () => ({ name: "jo", uid: 502, gid: 20, home: own.home, shell: "/bin/zsh" });
vi.mock(import("../../node/lib/gateway-user.ts"), async (original) => ({ ...(await original()), ownUser: () => jo() }));

let paths: NodePaths;
beforeEach(async () => {
  own.home = mkdtempSync(join(tmpdir(), "gatehouse-settle-"));
  mkdirSync(join(own.home, ".gatehouse"));
  paths = nodePaths(own.home);
  mkdirSync(paths.state, { recursive: true });
  await registerGateway(paths, { gateway: "team-c", user: "jo", home: own.home, startsAt: "login" });
});
afterEach(() => {
  rmSync(own.home, { recursive: true });
});

function contextOf(session: boolean) {
  const asUser = vi.fn(() => Promise.resolve(null));
  const cancel = vi.fn(() => Promise.resolve());
  const platform = {
    ...darwin,
    users: { ...darwin.users, find: () => Promise.resolve(jo()) },
    services: { ...darwin.services, cancel },
    steward: { ...darwin.steward, canStart: () => Promise.resolve(session) },
  };
  const context = { platform, paths, asUser, progress: () => undefined, signal: AbortSignal.timeout(10_000) } as unknown as Context; // prettier-ignore
  return { context, asUser, cancel };
}

describe("an unconfirmed switch of a gateway that starts at a login", () => {
  it.each([
    [true, "is taken back by a start"],
    [false, "without a session is taken back in its files: the login starts it"],
  ])("%s: %s", async (session) => {
    const { context, asUser } = contextOf(session);
    await settle(["--user", "jo"], context);
    expect(asUser).toHaveBeenCalledExactlyOnceWith(jo(), "gateway-settle", { startsLater: !session }, expect.anything()); // prettier-ignore
  });
  it.each([true, false])("ends its own timer where no start does (%s)", async (startsLater) => {
    const { context, cancel } = contextOf(!startsLater);
    await gatewayPhase.userCommands?.["gateway-settle"]?.({ startsLater }, context);
    expect(cancel.mock.calls).toEqual(startsLater ? [[DEAD_MAN]] : []);
  });
});

describe("a start that takes a session", () => {
  it("is refused before anything is changed", async () => {
    await expect(requireStart(jo(), contextOf(false).context)).rejects.toEqual(noSession("jo"));
    await expect(requireStart(jo(), contextOf(true).context)).resolves.toBeUndefined();
  });
});
