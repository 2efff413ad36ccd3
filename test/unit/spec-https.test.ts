import { describe, expect, it } from "vitest";
import { parseFleet, SpecError } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

type Loose = Record<string, unknown>;

function fleetWith(https: unknown, more: Loose = {}): unknown {
  const fleet = validFleet() as unknown as { nodes: { gateways: Loose[] }[] } & Loose;
  for (const { gateways } of fleet.nodes) for (const gateway of gateways) gateway["https"] = https;
  return { ...fleet, ...more };
}

function problemsOf(https: unknown, more: Loose = {}): string {
  try {
    parseFleet(fleetWith(https, more));
    return "";
  } catch (error) {
    if (error instanceof SpecError)
      return error.problems.map(({ field, problem }) => `${field}: ${problem}`).join("\n");
    throw error;
  }
}

describe("https of a gateway", () => {
  it("is off unless it is asked for", () => {
    const fleet = parseFleet(validFleet());
    expect(fleet.nodes[0]?.gateways[0]?.https).toBeUndefined();
    expect(fleet.certificateAuthority).toEqual({
      commonName: "Gatehouse private CA",
      validityDays: 3650,
      keyVersion: 1,
    });
  });

  it("holds 90 days on loopback unless the spec says more", () => {
    expect(parseFleet(fleetWith({})).nodes[0]?.gateways[0]?.https).toEqual({
      listen: "loopback",
      names: [],
      addresses: [],
      validityDays: 90,
      renewBeforeDays: 30,
      keyVersion: 1,
    });
  });

  it.each<[string, Loose]>([
    ["all interfaces", { listen: "all", names: ["gw.example.internal"] }],
    ["one address", { listen: "192.0.2.10", addresses: ["192.0.2.10", "2001:db8::1"] }],
    ["a short name", { names: ["mini-1"] }],
  ])("takes %s", (_what, https) => {
    expect(problemsOf(https)).toBe("");
  });

  it.each<[string, unknown, string]>([
    ["an unknown key", { name: "x" }, "https.name: unknown key"],
    ["no object", true, "https: "],
    ["an interface", { listen: "eth0", names: ["a"] }, "https.listen: "],
    ["names of nobody", { listen: "all" }, "https.names: must name what clients call the node by"],
    ["a wildcard", { names: ["*.example.internal"] }, "https.names[0]: expected a DNS name"],
    ["capitals", { names: ["GW"] }, "https.names[0]: expected a DNS name"],
    ["an address as a name", { names: ["192.0.2.10"] }, "https.names[0]: is an address: put it into 'addresses'"],
    ["a name as an address", { addresses: ["gw"] }, "https.addresses[0]: "],
    ["more days than clients take", { validityDays: 826 }, "https.validityDays: "],
    ["a renewal that never ends", { validityDays: 30, renewBeforeDays: 30 }, "https.renewBeforeDays: must be less"],
    ["half a day", { renewBeforeDays: 0.5 }, "https.renewBeforeDays: "],
  ])("refuses %s", (_what, https, problem) => {
    expect(problemsOf(https)).toContain(problem);
  });

  it.each<[string, unknown, string]>([
    ["an unknown key", { name: "x" }, "certificateAuthority.name: unknown key"],
    ["a name that is none", { commonName: "" }, "certificateAuthority.commonName: expected 1 to 64"],
    ["less than a gateway's certificate may hold", { validityDays: 365 }, "certificateAuthority.validityDays: "],
  ])("needs an authority without %s", (_what, certificateAuthority, problem) => {
    expect(problemsOf({}, { certificateAuthority })).toContain(problem);
  });
});
