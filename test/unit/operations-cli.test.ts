import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readFleetFile, stackNameOf } from "../../operations/config-file.ts";
import { credentialsText, dated } from "../../operations/credentials.ts";
import { parseOutputs, publicOutputs, type StackOutputs } from "../../operations/outputs.ts";
import { doneText, outputsText, plannedText } from "../../operations/report.ts";
import { openStack } from "../../operations/stack.ts";
import { validFleet } from "../fleet-input.ts";

const TOKEN = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaUp";

const PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----\n";

const OUTPUTS: StackOutputs = {
  certificateAuthority: null,
  nodes: {
    "box-1": {
      host: "192.0.2.10",
      port: 22,
      user: "ops",
      platform: "linux",
      machineId: "0123456789abcdef0123456789abcdef",
      nodeVersion: "24.21.0",
      openclawVersion: "2026.9.6",
      gateways: {
        "team-a": {
          environment: "prod",
          user: "oc-team-a",
          port: 18789,
          endpoint: "ws://127.0.0.1:18789",
          unit: "openclaw-gateway.service",
          generation: "g1",
          previousGeneration: null,
          rollbackPoints: 0,
          health: "ready",
          unitState: "active",
          openclawVersion: "2026.9.6",
          hardening: { profile: "namespaced", findings: [] },
          interruptionSeconds: 0,
          tokenFingerprint: "fp:token",
          agents: {
            research: {
              model: "anthropic/claude-opus-4-8",
              credentials: [
                {
                  provider: "anthropic",
                  variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY",
                  ref: "pulumi://research",
                  fingerprint: "fp:key",
                  resolve: "deploy",
                  masked: "sk-a…wxyz",
                },
              ],
            },
          },
        },
      },
    },
  },
  ledger: [
    {
      track: "provider",
      principal: "team-a/research",
      node: "box-1",
      gateway: "team-a",
      environment: "prod",
      provider: "anthropic",
      ref: "pulumi://research",
      fingerprint: "fp:key",
      masked: "sk-a…wxyz",
      version: null,
      variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY",
      unit: "openclaw-gateway.service",
      issued: "2026-01-01T00:00:00.000Z",
      rotated: "2026-03-01T00:00:00.000Z",
      due: "2026-05-30T00:00:00.000Z",
    },
  ],
  gatewayTokens: { "team-a": TOKEN },
  principals: [],
  principalKeys: { "runner-1": PRIVATE_KEY },
};

describe("outputs", () => {
  it("show no token, neither as JSON nor as text", () => {
    const shown = publicOutputs(parseOutputs(OUTPUTS));
    expect(shown.gatewayTokens).toEqual({ "team-a": `${TOKEN.slice(0, 4)}…${TOKEN.slice(-4)}` });
    for (const text of [JSON.stringify(shown), outputsText(shown)]) {
      expect(text).not.toContain(TOKEN.slice(4, -4));
      expect(text).not.toContain("CANARY");
    }
    expect(shown.principalKeys).toEqual({ "runner-1": "(private SSH key)" });
    expect(shown.nodes).toEqual(OUTPUTS.nodes);
  });

  it("hide a token that a person made", () => {
    const shown = publicOutputs({ ...parseOutputs({}), gatewayTokens: { a: "correct-horse-battery" } });
    expect(shown.gatewayTokens["a"]).toBe("(21 characters, hidden)");
  });

  it("are told in full otherwise", () => {
    const text = outputsText(publicOutputs(OUTPUTS));
    for (const part of ["team-a on box-1 (192.0.2.10): ready", "ws://127.0.0.1:18789", "g1", "sk-a…wxyz", "fp:key"]) {
      expect(text).toContain(part);
    }
  });

  it("are empty before the first run, and refused when they are of another version", () => {
    expect(parseOutputs({})).toEqual({
      nodes: {},
      certificateAuthority: null,
      ledger: [],
      gatewayTokens: {},
      principals: [],
      principalKeys: {},
    });
    const bad = { nodes: { box: { host: 1 } }, gatewayTokens: { a: TOKEN } };
    expect(() => parseOutputs(bad)).toThrow(/nodes\.box\.host/);
    expect(() => parseOutputs(bad)).not.toThrow(TOKEN);
  });
});

describe("credentials", () => {
  const [line] = OUTPUTS.ledger;
  const at = (date: string, dueWithin = 14) => {
    if (line === undefined) throw new Error("no line");
    return dated([line], new Date(date), dueWithin)[0];
  };

  it.each([
    ["2026-05-15T00:00:00Z", "current", 15],
    ["2026-05-16T00:00:01Z", "due", 13],
    ["2026-05-30T00:00:00Z", "due", 0],
    ["2026-05-30T00:00:01Z", "overdue", -1],
  ])("at %s are %s", (now, age, daysLeft) => {
    expect(at(now)).toMatchObject({ age, daysLeft });
  });

  it("count as due from as many days before as is asked for", () => {
    expect(at("2026-05-15T00:00:00Z", 16)?.age).toBe("due");
    expect(at("2026-05-30T00:00:00Z", 0)?.age).toBe("current");
  });

  it("are unknown without a date, and come first", () => {
    if (line === undefined) throw new Error("no line");
    const unknown = { ...line, principal: "team-a/new", due: null, issued: null, rotated: null };
    const lines = dated([line, unknown], new Date("2026-05-15T00:00:00Z"), 14);
    expect(lines[1]).toMatchObject({ age: "unknown", daysLeft: null });
    const text = credentialsText(lines);
    expect(text.indexOf("team-a/new")).toBeLessThan(text.indexOf("team-a/research"));
    for (const part of ["sk-a…wxyz", "pulumi://research", "2026-05-30", "unknown"]) expect(text).toContain(part);
    expect(credentialsText([])).toContain("no credentials");
  });
});

it("counts are told in the right tense", () => {
  const report = { changes: { create: 2, same: 1 }, seconds: 1.26, diagnostics: [], policyViolations: [] };
  expect(plannedText(report)).toBe("2 to create, 1 unchanged (1.3 s)");
  expect(doneText(report)).toBe("2 created, 1 unchanged (1.3 s)");
  expect(doneText({ ...report, changes: {} })).toBe("nothing to do (1.3 s)");
});

describe("fleet file", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "gatehouse-config-"));
    return () => {
      rmSync(directory, { recursive: true, force: true });
    };
  });

  const write = (content: string): string => {
    const file = join(directory, "fleet.yaml");
    writeFileSync(file, content);
    return file;
  };
  const failure = async (content: string) => {
    const error: unknown = await readFleetFile(write(content)).catch((caught: unknown) => caught);
    if (!(error instanceof Error)) throw new Error("it was accepted");
    return error as Error & { code?: string };
  };

  it.each([
    ["as it is", (fleet: object) => fleet],
    ["under config, as for the ordinary CLI", (fleet: object) => ({ config: { "gatehouse:fleet": fleet } })],
  ])("is read %s", async (_, wrap) => {
    expect(await readFleetFile(write(stringify(wrap(validFleet()))))).toEqual(validFleet());
  });

  it("with other settings is refused, without their values", async () => {
    const secret = { "gatehouse:fleet": validFleet(), "gatehouse:research": "canary-value" };
    const error = await failure(stringify({ config: secret }));
    expect(error).toMatchObject({ code: "config-file" });
    expect(error.message).toContain("gatehouse:research");
    expect(error.message).not.toContain("canary-value");
  });

  it.each([
    ["broken YAML", "nodes:\n  - [canary-value", /not valid YAML at line 2/],
    ["a list", "- canary-value", /holds no fleet/],
    ["no fleet under config", "config:\n", /holds no fleet/],
    ["nothing", "", /holds no fleet/],
  ])("with %s is refused without quoting it", async (_, content, expected) => {
    const { message, code } = await failure(content);
    expect(code).toBe("config-file");
    expect(message).toMatch(expected);
    expect(message).not.toContain("canary-value");
  });

  it("that breaks a rule is refused by the spec, one that is missing by name", async () => {
    expect((await failure("environments: []\nnodes: []")).name).toBe("SpecError");
    await expect(readFleetFile(join(directory, "none.yaml"))).rejects.toMatchObject({ code: "config-file" });
  });

  it("names the stack when it is called Pulumi.NAME.yaml", () => {
    expect(stackNameOf("/a/Pulumi.prod.yaml")).toBe("prod");
    expect(stackNameOf("fleet.yaml")).toBeUndefined();
    expect(stackNameOf("Pulumi.a b.yaml")).toBeUndefined();
  });
});

describe("opening a stack", () => {
  it("checks fleet and name before anything is made", async () => {
    const stateDir = join(tmpdir(), `gatehouse-none-${process.pid}`);
    const options = { stateDir, progress: () => undefined };
    const fleet = { ...validFleet(), nodes: [] };
    await expect(openStack({ ...options, stack: "a", fleet })).rejects.toThrow(/the fleet spec has 1 problem/);
    await expect(openStack({ ...options, stack: "../a" })).rejects.toMatchObject({ code: "stack-name" });
    expect(existsSync(stateDir)).toBe(false);
  });
});
