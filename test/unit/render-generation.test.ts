import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, slots } from "../../render/index.ts";
import { parseFleet } from "../../spec/index.ts";
import { validFleet } from "../fleet-input.ts";
import { gatewayWith, generationOf, only, RUNTIME, valueOf } from "./render-fixture.ts";

/** The same value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversed(part)]),
  );
}

describe("canonicalJson", () => {
  it("does not depend on the order of keys and loses nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it("keeps the order of arrays", () => {
    expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
  });
});

describe("generation id", () => {
  const subject = gatewayWith();
  const { generation } = generationOf(subject);

  it("has its documented form and is the same again", () => {
    expect(generation).toMatch(/^g-[0-9a-f]{16}$/);
    expect(generationOf(gatewayWith()).generation).toBe(generation);
  });
  it("is the same when the author writes the keys in another order", () => {
    expect(generationOf(only(parseFleet(reversed(validFleet())).nodes)).generation).toBe(generation);
  });

  const research = slots.credential("team-a", "research", "anthropic");
  const changes: readonly (readonly [string, () => string])[] = [
    ["port", () => generationOf(gatewayWith((g) => ({ ...g, port: 18999 }))).generation],
    ["user", () => generationOf(gatewayWith((g) => ({ ...g, user: "oc-other" }))).generation],
    ["home", () => generationOf(gatewayWith((g) => ({ ...g, home: "/srv/oc" }))).generation],
    ["heap", () => generationOf(gatewayWith((g) => ({ ...g, heapMebibytes: 1024 }))).generation],
    ["provider address", () => generationOf(gatewayWith((g) => ({ ...g, providers: [{ id: "anthropic", baseUrl: "http://127.0.0.1:9" }] }))).generation], // prettier-ignore
    ["an agent less", () => generationOf(gatewayWith((g) => ({ ...g, agents: g.agents.slice(0, 1) }))).generation],
    ["another first agent", () => generationOf(gatewayWith((g) => ({ ...g, agents: [...g.agents].reverse() }))).generation], // prettier-ignore
    ["model", () => generationOf(gatewayWith((g) => ({ ...g, agents: g.agents.map((a) => ({ ...a, model: "anthropic/claude-haiku-4-5" })) }))).generation], // prettier-ignore
    ["permissions", () => generationOf(gatewayWith((g) => ({ ...g, agents: g.agents.map((a) => ({ ...a, permissions: { profile: "coding" as const } })) }))).generation], // prettier-ignore
    ["runtime", () => generationOf(subject, { runtime: { ...RUNTIME, id: `${RUNTIME.id}x` } }).generation],
    ["path of Node", () => generationOf(subject, { runtime: { ...RUNTIME, nodePath: "/opt/node" } }).generation],
    ["gateway token", () => generationOf(subject, { value: (slot) => valueOf(slot) + (slot.endsWith("/token") ? "2" : "") }).generation], // prettier-ignore
    ["one agent's key", () => generationOf(subject, { value: (slot) => valueOf(slot) + (slot === research ? "2" : "") }).generation], // prettier-ignore
  ];
  it.each(changes)("changes with: %s", (_name, change) => {
    expect(change()).not.toBe(generation);
  });
  it("is another one for each of these changes", () => {
    const all = [generation, ...changes.map(([, change]) => change())];
    expect(new Set(all).size).toBe(all.length);
  });
  it("does not change with what is no part of the gateway's files", () => {
    const same = gatewayWith((g) => ({ ...g, keepGenerations: 5, purgeOnDestroy: true }));
    expect(generationOf(same).generation).toBe(generation);
  });

  it("does not change with how metrics are collected, which the node is told all the same", () => {
    const { node, gateway } = subject;
    const metrics = { enabled: true, intervalSeconds: 300 };
    const rarer = generationOf({ gateway, node: { ...node, metrics } });
    expect(rarer).toMatchObject({ generation, metrics: { intervalSeconds: 300, environment: gateway.environment } });
    expect(
      rarer.metrics?.credentials.map(({ agent, provider, rotateEveryDays }) => [agent, provider, rotateEveryDays]),
    ).toEqual([
      [null, null, 90],
      ["research", "anthropic", 90],
      ["builder", "anthropic", 90],
    ]);
    expect(generationOf({ gateway, node: { ...node, metrics, platform: "macos" } }).metrics).toEqual(rarer.metrics);
    const off = generationOf({ gateway, node: { ...node, metrics: { ...metrics, enabled: false } } });
    expect([off.generation, "metrics" in off]).toEqual([generation, false]);
  });

  it("tells the node which runtime, Node and files it means", () => {
    const rendered = generationOf(subject);
    expect(rendered).toMatchObject({
      gateway: "team-a",
      user: "oc-team-a",
      home: "/home/oc-team-a",
      port: 18789,
      unit: "openclaw-gateway.service",
      runtimeId: RUNTIME.id,
      nodePath: RUNTIME.nodePath,
      openclawVersion: "2026.9.6",
      keepGenerations: 3,
    });
    expect(rendered.agents.map(({ id }) => id)).toEqual(["research", "builder"]);
  });
  it("never holds a value", () => {
    const text = JSON.stringify(generationOf(subject));
    expect(text).not.toContain("value-of-");
  });
});
