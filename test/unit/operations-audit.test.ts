import { describe, expect, it } from "vitest";
import type { ObservedGateway, ObservedNode } from "../../node/audit/observed.ts";
import { observedComponents } from "../../operations/audit/components.ts";
import { judgeObserved } from "../../policies/src/observed.ts";

const NODE: ObservedNode = { machineId: "m", sleepPrevented: true, boot: {}, gateways: [] };

/** What the rules see of a gateway on a Mac whose job is, or is not, as it should be. */
function seen(manager: string, observed: Partial<ObservedGateway>) {
  const inputs = { platform: "macos", service: { manager, starts: "as declared" }, paths: [] };
  const gateway = { gateway: "team-a", account: { groups: ["staff"], hasPassword: true }, listeners: [], hardening: [], failure: null, unitText: null, lingers: true, enabled: true, ...observed }; // prettier-ignore
  return observedComponents(
    [{ urn: "urn:x::team-a", type: "gatehouse:index:Gateway", name: "team-a", inputs }],
    new Map([["box-1", { ...NODE, gateways: [gateway] }]]),
  );
}

describe("a job of launchd's in the audit", () => {
  it.each([
    ["launchd-daemon", true, "at boot"],
    ["launchd-daemon", false, "not at boot"],
    ["launchd-agent", true, "at login"],
    ["launchd-agent", false, "not at login"],
  ] as const)("of a %s that may start (%s) starts %s", (manager, enabled, starts) => {
    expect(seen(manager, { enabled })[0]?.props).toMatchObject({ service: { manager, starts } });
  });

  it("of an agent is what GH601 refuses until somebody answers for it", () => {
    const job = "<plist><dict><key>RunAtLoad</key><true/><key>KeepAlive</key><true/></dict></plist>";
    const found = (config: object) => judgeObserved(seen("launchd-agent", { unitText: job }), { ...config }, new Date("2026-11-27")).filter(({ rule }) => rule === "GH601"); // prettier-ignore
    expect(found({}).map(({ message }) => message)).toEqual([expect.stringMatching(/it is a LaunchAgent/)]);
    const exceptions = [{ resource: "team-a", owner: "jo", reason: "Messages", expires: "2026-11-30" }];
    expect(found({ GH601: { exceptions } })).toEqual([]);
  });
});
