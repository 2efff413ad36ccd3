import { describe, expect, it } from "vitest";
import { exceptionsOf } from "../../policies/src/exceptions.ts";
import { Fleet } from "../../policies/src/fleet.ts";
import { ParameterError, schemaOf, valuesOf } from "../../policies/src/parameters.ts";
import { toPolicies } from "../../policies/src/policy.ts";
import { CATALOGUE } from "../../policies/src/catalogue.ts";
import { AGENT, type Resource } from "../../policies/src/resource.ts";

const parameters = {
  most: { kind: "number", default: 3, doc: "how many" },
  names: { kind: "texts", default: ["a"], doc: "which" },
  days: { kind: "by-environment", default: { prod: 1, staging: 2, dev: 3, ci: 4 }, doc: "how long" },
} as const;
const values = (given: unknown) => valuesOf("GH000", parameters, given);

describe("parameters", () => {
  it("have defaults, each of which can be changed alone", () => {
    expect(values({})).toEqual({ most: 3, names: ["a"], days: { prod: 1, staging: 2, dev: 3, ci: 4 } });
    expect(values({ days: { prod: 9 }, most: 0 })).toMatchObject({ most: 0, days: { prod: 9, staging: 2 } });
  });

  it("that a rule does not have are refused by name, with those that it has", () => {
    expect(() => values({ mots: 1 })).toThrow(ParameterError);
    expect(() => values({ mots: 1 })).toThrow(
      "GH000: there is no parameter 'mots'; there are most, names, days, enforcementLevel, exceptions",
    );
  });

  it.each([
    [{ most: "3" }],
    [{ most: -1 }],
    [{ most: 1.5 }],
    [{ names: "a" }],
    [{ names: [1] }],
    [{ days: { moon: 1 } }],
    [{ days: [] }],
  ])("of another type are refused: %j", (given) => {
    expect(() => values(given)).toThrow(ParameterError);
  });

  it("tell the engine their types", () => {
    expect(Object.values(parameters).map((one) => schemaOf(one).type)).toEqual(["integer", "array", "object"]);
  });
});

const sound = { resource: "team-a", owner: "jo", reason: "until then", expires: "2026-12-31" };

describe("exceptions", () => {
  it("are read", () => {
    expect(exceptionsOf("GH000", { exceptions: [sound] })).toEqual([sound]);
    expect(exceptionsOf("GH000", {})).toEqual([]);
    expect(exceptionsOf("GH000", undefined)).toEqual([]);
  });

  it.each([
    [{ ...sound, owner: "" }],
    [{ ...sound, reason: undefined }],
    [{ ...sound, expires: "2026-02-30" }],
    [{ ...sound, expires: "next year" }],
    [{ ...sound, forever: true }],
    ["team-a"],
    [null],
  ])("without an owner, a reason or a day, or with anything else, are refused: %j", (one) => {
    expect(() => exceptionsOf("GH000", { exceptions: [one] })).toThrow(ParameterError);
    expect(() => exceptionsOf("GH000", { exceptions: one })).toThrow(ParameterError);
  });
});

describe("the memory of a stack", () => {
  const agent = (urn: string, ref: string): Resource => ({
    urn,
    type: AGENT,
    name: urn,
    parentType: "",
    props: { agent: urn, gateway: "g", credentials: [{ ref }] },
    secretOutputs: [],
  });

  it("replaces a resource that comes again, as in the update after a preview", () => {
    const fleet = new Fleet();
    fleet.record(agent("one", "pulumi://a"));
    fleet.record(agent("two", "pulumi://a"));
    expect(fleet.usesOfSecret("pulumi://a").map(({ name }) => name)).toEqual(["one", "two"]);
    fleet.record(agent("two", "pulumi://b"));
    expect(fleet.usesOfSecret("pulumi://a").map(({ name }) => name)).toEqual(["one"]);
    expect(fleet.agentsIn("g")).toHaveLength(2);
  });
});

describe("the pack", () => {
  it("gives the engine a schema, a level and a fix for every rule", () => {
    for (const policy of toPolicies(CATALOGUE, () => new Date())) {
      expect(policy.configSchema?.properties).toHaveProperty("exceptions");
      expect(["mandatory", "advisory"]).toContain(policy.enforcementLevel);
      expect(policy.remediationSteps?.length).toBeGreaterThan(10);
    }
  });
});
