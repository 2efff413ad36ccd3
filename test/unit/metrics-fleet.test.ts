import { describe, expect, it } from "vitest";
import { fleetSamples, metricsText, missingLines, type FleetMetrics } from "../../operations/metrics/metrics.ts";

const up = (gateway: string, value: number) => ({
  gateway,
  samples: { gatehouse_gateway_up: [{ labels: { gateway }, value }] },
  failure: null,
});
const found: FleetMetrics = {
  complete: false,
  nodes: [
    {
      node: "box-1",
      answer: { gateways: [up("team-a", 1), { gateway: "team-b", samples: null, failure: "no home" }] },
    },
    { node: "box-2", answer: { kind: "no connection", message: "nobody answers", fix: "check it" } },
    { node: "box-3", answer: { gateways: [up("team-c", 0)] } },
  ],
};

describe("the metrics of a fleet", () => {
  it("are one text with the node of each sample, each metric once", () => {
    expect(metricsText(found).split("\n")).toEqual([
      expect.stringMatching(/^# HELP gatehouse_gateway_up /),
      "# TYPE gatehouse_gateway_up gauge",
      'gatehouse_gateway_up{node="box-1",gateway="team-a"} 1',
      'gatehouse_gateway_up{node="box-3",gateway="team-c"} 0',
    ]);
  });
  it("say what is missing, and take nothing for it", () => {
    expect(missingLines(found)).toEqual(["box-1: team-b: no home", "box-2: nobody answers", "  fix: check it"]);
    expect(fleetSamples({ nodes: [] }).gatehouse_gateway_up).toEqual([]);
  });
});
