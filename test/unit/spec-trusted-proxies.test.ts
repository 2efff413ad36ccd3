import { describe, expect, it } from "vitest";
import { parseFleet, SpecError } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";

const BEYOND = { listen: "all" as const, names: ["gw.example.internal"] };

/** What is wrong with a fleet whose gateway has these proxies, and HTTPS beyond loopback or none. */
function problemsOf(trustedProxies: unknown, https?: object): string {
  const fleet = validFleet() as unknown as { nodes: { gateways: Record<string, unknown>[] }[] };
  for (const gateway of fleet.nodes.flatMap(({ gateways }) => gateways))
    Object.assign(gateway, { trustedProxies, ...(https && { https }) });
  try {
    parseFleet(fleet);
    return "";
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    return error.problems.map(({ field, problem }) => `${field}: ${problem}`).join("\n");
  }
}

describe("trusted proxies of a gateway", () => {
  it("are none unless the spec names one", () => {
    expect(parseFleet(validFleet()).nodes[0]?.gateways[0]?.trustedProxies).toEqual([]);
  });

  it.each([["127.0.0.1"], ["127.0.0.0/8"], ["::1"], ["::1/128"]])("may be on its own host: %s", (proxy) => {
    expect(problemsOf([proxy])).toBe("");
  });

  it.each([["10.20.0.5"], ["10.0.0.0/8"], ["2001:db8::1"], ["2001:db8::/32"]])(
    "may be on another machine where the gateway listens beyond loopback: %s",
    (proxy) => {
      expect(problemsOf([proxy], BEYOND)).toBe("");
    },
  );

  it.each<[string, object | undefined]>([
    ["10.20.0.5", undefined],
    ["2001:db8::1", undefined],
    ["::1/64", undefined],
    ["10.20.0.5", {}],
  ])("are refused where they cannot reach it: %s", (proxy, https) => {
    expect(problemsOf([proxy], https)).toMatch(
      /^nodes\[0\]\.gateways\[0\]\.trustedProxies\[0\]: this gateway listens on loopback only/,
    );
  });

  it.each([["0.0.0.0/0"], ["::/0"], ["0.0.0.0/1"], ["10.0.0.0/7"], ["2001::/31"]])(
    "are no network that strangers are in: %s",
    (proxy) => {
      expect(problemsOf([proxy], BEYOND)).toContain("trustedProxies[0]: holds more than a network of your own");
    },
  );

  it.each([
    ["*"],
    [""],
    ["proxy.example.net"],
    ["10.0.0.1/33"],
    ["::1/129"],
    ["10.0.0.1/"],
    ["10.0.0.1/8/8"],
    ["10.0.1"],
  ])("are addresses: %j is none", (proxy) => {
    expect(problemsOf([proxy], BEYOND)).toContain("trustedProxies[0]: expected an address or a CIDR block");
  });

  it.each([[null], ["127.0.0.1"], [{}], [[1]], [[null]]])("are a list of texts: %j is refused", (value) => {
    expect(problemsOf(value)).toMatch(/trustedProxies(\[0\])?: /);
  });
});
