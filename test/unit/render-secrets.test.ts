import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint, mask, RenderError, slots } from "../../render/index.ts";
import { KEY } from "./render-fixture.ts";

const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,30}$/);
const anyValue = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });

describe("fingerprint", () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const value = fc.string({ minLength: 16, maxLength: 80, unit: "grapheme" });
  const slot = fc
    .tuple(variable, variable, variable)
    .map(([gateway, agent, provider]) => slots.credential(gateway, agent, provider));

  it("is the same for the same key, slot and value", () => {
    fc.assert(fc.property(key, slot, value, (k, s, v) => fingerprint(k, s, v) === fingerprint(k, s, v)));
  });
  it("differs in each of the three", () => {
    fc.assert(
      fc.property(key, slot, value, value, slot, (k, s, v, otherValue, otherSlot) => {
        const otherKey = k.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
        const all = new Set([
          fingerprint(k, s, v),
          fingerprint(otherKey, s, v),
          fingerprint(k, otherSlot, v),
          fingerprint(k, s, otherValue),
        ]);
        expect(all.size).toBe(2 + (otherSlot === s ? 0 : 1) + (otherValue === v ? 0 : 1));
      }),
    );
  });
  it("tells a rotated key from a changed value by its second part", () => {
    const part = (print: string): string | undefined => print.split(".")[1];
    const print = fingerprint(KEY, "slot", "a value of enough length");
    expect(part(fingerprint(KEY, "slot", "another value of enough length"))).toBe(part(print));
    expect(part(fingerprint(KEY.map((byte) => byte + 1), "slot", "a value of enough length"))).not.toBe(part(print)); // prettier-ignore
  });
  it("has its documented form and nothing of the value in it", () => {
    fc.assert(
      fc.property(key, slot, value, (k, s, v) => {
        expect(fingerprint(k, s, v)).toMatch(/^h1\.[A-Za-z0-9_-]{4}\.[A-Za-z0-9_-]{22}$/);
      }),
    );
  });
  it.each(["", "short", "x".repeat(15)])("refuses a value that could be guessed (%j)", (short) => {
    expect(() => fingerprint(KEY, "gateway/a/token", short)).toThrow(RenderError);
    if (short !== "") {
      expect(() => fingerprint(KEY, "gateway/a/token", short)).not.toThrow(new RegExp(short));
    }
  });
  it("separates the slots of token and credential", () => {
    expect(slots.gatewayToken("a")).not.toBe(slots.credential("a", "token", ""));
  });
});

describe("mask", () => {
  it("shows at most the first four and last four characters", () => {
    fc.assert(
      fc.property(fc.oneof(anyValue, fc.stringMatching(/^[A-Za-z0-9_-]{20,120}$/)), (value) => {
        const shown = mask(value);
        const allowed = [`(${value.length} characters, hidden)`, `${value.slice(0, 4)}…${value.slice(-4)}`];
        expect(allowed).toContain(shown);
        if (value.length < 40) expect(shown).toBe(allowed[0]);
      }),
    );
  });
  const random = "aB3dE5gH7jK9mN1pQ4sT6vW8xY0zC2fG4hJ6kL8nP0rS";
  it.each([
    ["an Anthropic key", `sk-ant-api03-${random}`, "sk-a…P0rS"],
    ["a random token", random, "aB3d…P0rS"],
    ["hexadecimal", "0123456789abcdef".repeat(4), "0123…cdef"],
  ])("shows the ends of %s", (_name, value, shown) => {
    expect(mask(value)).toBe(shown);
  });
  it.each([
    ["a password", "correct horse battery staple, a long one indeed"],
    ["words", "correct-horse-battery-staple-and-many-more-words"],
    ["PEM", `-----BEGIN KEY-----\n${random}\n-----END KEY-----`],
    ["JSON", JSON.stringify({ type: "service_account", key: random })],
    ["a prefix with little behind it", "sk-or-v1-0123456789abcdef0123456789abcde"],
    ["digits", "12345678901234567890123456789012345678901234"],
    ["39 random characters", random.slice(0, 39)],
    ["nothing", ""],
  ])("hides all of %s", (_name, value) => {
    expect(mask(value)).toBe(`(${value.length} characters, hidden)`);
  });
});
