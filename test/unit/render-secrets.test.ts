import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fingerprint,
  mask,
  MAX_SECRET_BYTES,
  parseEnvironmentFile,
  renderEnvironmentFile,
  RenderError,
  secretValueProblem,
  slots,
} from "../../render/index.ts";
import { KEY } from "./render-fixture.ts";

/** Every character class that a quoting bug could trip over, and any other Unicode. */
const character = fc.oneof(
  fc.constantFrom(...Array.from("\\\"'$`\n\r\t #;=%!{}()[]*?~&|<>\u0001\u001b\u007f\u2028é𝒳")),
  fc.string({ unit: "binary", minLength: 1, maxLength: 2 }),
);
const anyValue = fc.array(character, { minLength: 1, maxLength: 60 }).map((parts) => parts.join(""));
const legalValue = anyValue.filter((value) => secretValueProblem(value) === undefined);
const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,30}$/);

describe("EnvironmentFile", () => {
  it("reads back every legal value", () => {
    fc.assert(
      fc.property(fc.dictionary(variable, legalValue), (record) => {
        const variables = new Map(Object.entries(record));
        expect(parseEnvironmentFile(renderEnvironmentFile(variables))).toEqual(variables);
      }),
    );
  });

  it("never lets a value end its own assignment", () => {
    fc.assert(
      fc.property(legalValue, legalValue, (first, second) => {
        const text = renderEnvironmentFile(new Map([["FIRST", first], ["SECOND", second]])); // prettier-ignore
        // a reader that follows quotes sees two assignments and nothing else, whatever the values hold
        expect(text.replaceAll(/"(?:[^"\\]|\\[^])*"/g, "V")).toBe("FIRST=V\nSECOND=V\n");
      }),
    );
  });

  it("means the same to sh, which would expand what is not escaped", () => {
    const directory = mkdtempSync(join(tmpdir(), "gatehouse-env-"));
    try {
      const values = fc.sample(legalValue, 300);
      const variables = new Map(values.map((value, index) => [`V${index}`, value]));
      writeFileSync(join(directory, "file.env"), renderEnvironmentFile(variables));
      const print = [...variables.keys()].map((name) => `"$${name}"`).join(" ");
      writeFileSync(join(directory, "script"), `. ${directory}/file.env\nprintf '%s\\0' ${print}\n`);
      const output = execFileSync("sh", [join(directory, "script")], { env: {}, encoding: "utf8" });
      expect(output.split("\0").slice(0, -1)).toEqual(values);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    ["an empty value", ""],
    ["NUL", "a\0b"],
    ["half a surrogate pair", "a\ud800"],
    ["a noncharacter", "a\ufdd0"],
    ["the last code point of a plane", "a\u{1ffff}"],
    ["too many bytes", "é".repeat(MAX_SECRET_BYTES / 2 + 1)],
  ])("refuses %s and names the variable only", (_name, value) => {
    const render = (): string => renderEnvironmentFile(new Map([["SOME_KEY", value]]));
    expect(render).toThrow(RenderError);
    expect(render).toThrow(/^the value for SOME_KEY /);
  });

  it("takes a value of exactly the largest size", () => {
    const value = "a".repeat(MAX_SECRET_BYTES);
    expect(parseEnvironmentFile(renderEnvironmentFile(new Map([["K", value]]))).get("K")).toBe(value);
  });

  it("never repeats a refused value", () => {
    const canary = "sk-ant-api03-canary";
    for (const broken of [`${canary}\0`, `${canary}\ud800`]) {
      expect(() => renderEnvironmentFile(new Map([["K", broken]]))).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining(canary) as string }) as Error,
      );
    }
  });

  it.each(["", "lower", "A B", "A=B", "1A", "A\n", "A".repeat(129)])("refuses the name %j", (name) => {
    expect(() => renderEnvironmentFile(new Map([[name, "value"]]))).toThrow(RenderError);
  });

  it.each(["A=b\n", 'A="b"', 'A="b"\n\n', 'A="$b"\n', '# comment\nA="b"\n', 'A="b"\nX'])(
    "does not guess at a file of another form: %j",
    (text) => {
      expect(() => parseEnvironmentFile(text)).toThrow(RenderError);
    },
  );
});

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
