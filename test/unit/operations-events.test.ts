import type { EngineEvent, OpType } from "@pulumi/pulumi/automation/index.js";
import { beforeEach, describe, expect, it } from "vitest";
import { EventCollector } from "../../operations/events.ts";

const URN = "urn:pulumi:s::gatehouse::gatehouse:index:GatewayNode$command:remote:Command::box-runtime";
const STACK_URN = "urn:pulumi:s::gatehouse::pulumi:pulumi:Stack::gatehouse-s";

let lines: string[];
let now: number;
let events: EventCollector;

beforeEach(() => {
  lines = [];
  now = 0;
  events = new EventCollector(
    (line) => lines.push(line),
    () => now,
  );
});

function send(event: Omit<EngineEvent, "sequence" | "timestamp">): void {
  events.add({ ...event, sequence: 0, timestamp: 0 });
}

function diagnostic(severity: string, message: string, ephemeral = false): void {
  send({ diagnosticEvent: { severity: severity as "info", message, color: "never", ephemeral } });
}

function step(op: OpType, urn = URN, more: { custom?: boolean; outputs?: Record<string, unknown>[] } = {}) {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const state = (outputs: Record<string, unknown>) => ({
    type,
    urn,
    id: "",
    parent: "",
    provider: "",
    inputs: {},
    outputs,
    custom: more.custom ?? true,
  });
  const [before = {}, after = {}] = more.outputs ?? [];
  return { op, urn, type, provider: "", old: state(before), new: state(after) };
}

describe("progress", () => {
  it("says what begins and what ended, with seconds", () => {
    send({ resourcePreEvent: { metadata: step("create") } });
    now = 2500;
    events.remind();
    now = 12_340;
    send({ resOutputsEvent: { metadata: step("create") } });
    events.remind();
    expect(lines).toEqual([
      "box-runtime: creating",
      "… box-runtime: still creating (2.5 s)",
      "box-runtime: created (12.3 s)",
    ]);
  });

  it("says that a step failed", () => {
    send({ resourcePreEvent: { metadata: step("update") } });
    now = 1000;
    send({ resOpFailedEvent: { metadata: step("update"), status: 0, steps: 1 } });
    events.remind();
    expect(lines).toEqual(["box-runtime: updating", "box-runtime: FAILED (1.0 s)"]);
  });

  it("names what a preview would do, and nothing that stays", () => {
    send({ resourcePreEvent: { metadata: step("create"), planning: true } });
    send({ resOutputsEvent: { metadata: step("create"), planning: true } });
    send({ resOutputsEvent: { metadata: step("same"), planning: true } });
    expect(lines).toEqual(["box-runtime: to be created"]);
  });

  it("leaves out components and the engine's own entries", () => {
    const provider = "urn:pulumi:s::gatehouse::pulumi:providers:command::default";
    send({ resourcePreEvent: { metadata: step("create", URN, { custom: false }) } });
    send({ resourcePreEvent: { metadata: step("create", provider) } });
    expect(lines).toEqual([]);
  });
});

describe("diagnostics", () => {
  it("never keeps or shows debug messages: they hold properties in clear", () => {
    diagnostic("debug", "RegisterResource RPC finished: password,,,canary-value");
    expect(JSON.stringify([lines, events.diagnostics])).not.toContain("canary-value");
  });

  it("drops the engine's noise, passing states and markup", () => {
    diagnostic("warning", "using pulumi-resource-command from $PATH at /x/pulumi-resource-command");
    diagnostic("error", "update failed");
    diagnostic("info", "half done", true);
    diagnostic("warning", "<{%reset%}>this version can't provision macOS<{%reset%}>\n");
    expect(events.diagnostics).toEqual([{ severity: "warning", message: "this version can't provision macOS" }]);
    expect(lines).toEqual(["warning: this version can't provision macOS"]);
  });

  it("shortens the engine's advice about an interrupted run", () => {
    expect(events.sawPending).toBe(false);
    diagnostic(
      "warning",
      "Attempting to deploy or update resources with 2 pending operations from ...\n * x\nuse refresh",
    );
    expect(lines).toEqual(["an earlier run was interrupted: what it was doing is done again"]);
    expect(events.diagnostics).toEqual([]);
    expect(events.sawPending).toBe(true);
  });

  it("keeps errors for the end", () => {
    diagnostic("error", "dial tcp: i/o timeout");
    expect(lines).toEqual([]);
    expect(events.diagnostics).toEqual([{ severity: "error", message: "dial tcp: i/o timeout" }]);
  });
});

describe("what a preview finds", () => {
  const summary = (resourceChanges: Record<string, number>) => ({
    summaryEvent: { maybeCorrupt: false, durationSeconds: 1, resourceChanges, policyPacks: {} },
  });

  it("is nothing when everything stays", () => {
    send({ resOutputsEvent: { metadata: step("same", STACK_URN, { outputs: [{ a: 1 }, { a: 1 }] }) } });
    send(summary({ same: 4, create: 0, read: 1 }));
    expect(events.altersState).toBe(false);
    expect(events.changes).toEqual({ same: 4 });
  });

  it("is a change of a resource", () => {
    send(summary({ same: 4, update: 1 }));
    expect(events.altersState).toBe(true);
  });

  it("is a change of the stack's outputs alone", () => {
    send({ resOutputsEvent: { metadata: step("same", STACK_URN, { outputs: [{ a: 1 }, { a: 2 }] }) } });
    send(summary({ same: 4 }));
    expect(events.altersState).toBe(true);
  });
});
