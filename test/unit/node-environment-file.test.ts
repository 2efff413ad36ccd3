import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MAX_SECRET_BYTES,
  parseEnvironmentFile,
  renderEnvironmentFile,
  secretValueProblem,
} from "../../node/environment-file.ts";
import { PhaseFailure } from "../../node/lib/failure.ts";

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
    expect(render).toThrow(PhaseFailure);
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
    expect(() => renderEnvironmentFile(new Map([[name, "value"]]))).toThrow(PhaseFailure);
  });

  it.each(["A=b\n", 'A="b"', 'A="b"\n\n', 'A="$b"\n', '# comment\nA="b"\n', 'A="b"\nX'])(
    "does not guess at a file of another form: %j",
    (text) => {
      expect(() => parseEnvironmentFile(text)).toThrow(PhaseFailure);
    },
  );
});
