import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatSecretRef,
  parseSecretRef,
  SECRET_REF_SCHEMES,
  type RefScheme,
  type SecretRef,
} from "../../spec/index.ts";

const text = (pattern: RegExp) => fc.stringMatching(pattern);
const words = text(/^[\w@+][\w@+-]{0,12}( [\w@+-]{1,12})?$/);
const item = text(/^\w[\w-]{0,12}( [\w-]{1,12})?$/);
const name = text(/^[\w@-]{1,12}$/);
const path = (part: fc.Arbitrary<string>) =>
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const maybe = <K extends string, V>(key: K, value: fc.Arbitrary<V>): fc.Arbitrary<{ readonly [key in K]?: V }> =>
  fc.option(value).map((found) => (found === null ? {} : { [key]: found }) as { readonly [key in K]?: V });

const vaultEdition = fc.oneof(
  fc.constant({}),
  fc.constant({ kv: 1 as const }),
  fc.record({ kv: fc.constant(2 as const), version: fc.integer({ min: 1, max: 99 }) }),
  fc.record({ version: fc.integer({ min: 1, max: 99 }) }),
);

/** One generator for every scheme: the compiler asks for the one that is missing. */
const REFS: { readonly [S in RefScheme]: fc.Arbitrary<Extract<SecretRef, { readonly scheme: S }>> } = {
  pulumi: fc.record({ scheme: fc.constant("pulumi" as const), key: text(/^[A-Za-z][A-Za-z0-9_.-]{0,40}$/) }),
  env: fc.record({ scheme: fc.constant("env" as const), name: text(/^[A-Za-z_][A-Za-z0-9_]{0,40}$/) }),
  file: fc.record({ scheme: fc.constant("file" as const), path: text(/^(\/[A-Za-z0-9 ._-]+)+$/) }),
  vault: fc
    .tuple(
      fc.record({ mount: name, path: path(words.map((one) => one.replaceAll("+", "x"))), field: name }),
      vaultEdition,
    )
    .map(([ref, edition]) => ({ scheme: "vault" as const, ...ref, ...edition })),
  "aws-sm": fc
    .tuple(text(/^[\w/+=.@:-]{1,40}$/), maybe("jsonKey", name), maybe("stage", name), maybe("version", name))
    .map(
      ([id, ...more]) =>
        Object.assign({ scheme: "aws-sm" as const, id }, ...more) as Extract<SecretRef, { scheme: "aws-sm" }>,
    ) // prettier-ignore
    .filter((ref) => ![ref.stage, ref.version].some((one) => one?.includes("@"))),
  op: fc
    .tuple(fc.record({ vault: item, item, field: item }), maybe("section", item))
    .map(([ref, section]) => ({ scheme: "op" as const, ...ref, ...section })),
  "gcp-sm": fc
    .tuple(text(/^[a-z][a-z0-9-]{4,20}$/), text(/^\w[\w-]{0,20}$/), maybe("version", text(/^\w[\w-]{0,8}$/)))
    .map(([project, secret, version]) => ({ scheme: "gcp-sm" as const, project, secret, ...version })),
  "azure-kv": fc
    .tuple(
      text(/^[a-z][a-z0-9-]{1,20}[a-z0-9]$/),
      text(/^[A-Za-z0-9][A-Za-z0-9-]{0,20}$/),
      maybe("version", text(/^[0-9a-f]{32}$/)),
    )
    .map(([vault, secret, version]) => ({ scheme: "azure-kv" as const, vault, secret, ...version })),
  sops: fc.record({
    scheme: fc.constant("sops" as const),
    file: fc.tuple(fc.constantFrom("", "/"), path(words)).map((parts) => parts.join("")),
    path: fc.array(words, { minLength: 1, maxLength: 3 }),
  }),
  pass: fc.record({ scheme: fc.constant("pass" as const), path: path(words) }),
  keychain: fc.record({ scheme: fc.constant("keychain" as const), service: words, account: words }),
};

describe("SecretRef", () => {
  it.each(SECRET_REF_SCHEMES)("%s survives a round trip", (scheme) => {
    fc.assert(
      fc.property(REFS[scheme] as fc.Arbitrary<SecretRef>, (ref) => {
        expect(parseSecretRef(formatSecretRef(ref))).toEqual({ ok: true, ref });
      }),
    );
  });

  it("names every scheme once", () => {
    expect([...SECRET_REF_SCHEMES].sort()).toEqual(Object.keys(REFS).sort());
  });

  it.each([
    ["pulumi://", 10, "a configuration key"],
    ["pulumi://a b", 11, "the end of the key"],
    ["env://A B", 8, "the end of the name"],
    ["env://", 7, "a variable name"],
    ["file://relative", 8, "'/' and an absolute path"],
    ["vault://kv", 11, "'/' and the path of the secret"],
    ["vault://kv/team", 16, "'#' and the field"],
    ["vault://kv/team#", 17, "the field"],
    ["vault://kv/../x#f", 12, "a part of the path, not a way up"],
    ["vault://./x#f", 9, "the mount, not a way up"],
    ["vault://kv//x#f", 12, "a part of the path"],
    ["vault://kv/x#f?version=0", 24, "a version number"],
    ["vault://kv/x#f?kv=3", 19, "1 or 2"],
    ["vault://kv/x#f?kv=12", 19, "1 or 2"],
    ["vault://kv/x#f?kv=1&version=2", 30, "no version"],
    ["vault://kv/x#f?version=1&version=2", 26, "kv=…"],
    ["vault://kv/x#f?stage=x", 16, "version=… or kv=…"],
    ["aws-sm://", 10, "the name or ARN"],
    ["aws-sm://name#", 15, "the key of the JSON object"],
    ["aws-sm://name?stage=", 21, "letters, digits"],
    ["op://vault", 11, "'/' and the item"],
    ["op://vault/item", 16, "'/' and the field"],
    ["op://vault//field", 12, "the item"],
    ["op://vault/item/field?attribute=otp", 22, "the end of the field"],
    ["op://v/i/s/f/x", 13, "the end of the field"],
    ["pass://--help", 8, "the name in the password store"],
    ["sops://-x#a", 8, "the encrypted file"],
    ["gcp-sm://p/s#--x", 14, "a version number or alias"],
    ["azure-kv://vault/-x", 18, "the name of the secret"],
    ["gcp-sm://project", 17, "'/' and the secret"],
    ["gcp-sm://project/secret#", 25, "a version number or alias"],
    ["gcp-sm://project/secret/versions/1", 24, "the end, or '#' and a version"],
    ["azure-kv://v/secret", 12, "the vault: 3 to 24"],
    ["azure-kv://vault/se_cret", 20, "the end, or '?' and an option"],
    ["azure-kv://vault/secret?version=1", 33, "32 hex digits"],
    ["sops://secrets.yaml", 20, "'#' and the keys"],
    ["sops://../secrets.yaml#a", 8, "the encrypted file, not a way up"],
    ["sops://secrets.yaml#a//b", 23, "a key"],
    ["pass://", 8, "the name in the password store"],
    ["pass://a/../b", 10, "not a way up"],
    ["keychain://service", 19, "'/' and the account"],
  ])("says where %j is wrong", (wrong, column, expected) => {
    const parsed = parseSecretRef(wrong);
    if (parsed.ok) throw new Error("it was taken");
    expect(parsed.problem).toContain(
      `at character ${column}: expected ${expected.startsWith("not a") ? "" : expected}`,
    );
    expect(parsed.problem).toContain(expected);
  });

  it.each(["", "plain", "://x", "vault2://x", "sk-ant-api03-secret://x"])("does not know the scheme of %j", (wrong) => {
    const parsed = parseSecretRef(wrong);
    expect(parsed.ok ? "" : parsed.problem).toContain("pulumi, op, vault");
  });

  it("never repeats what it does not understand: it may be a pasted key", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SECRET_REF_SCHEMES, "none"),
        text(/^[A-Za-z0-9_/#? -]{12,40}$/),
        (scheme, pasted) => {
          for (const wrong of [pasted, `${scheme}://${pasted}`, `${pasted}://${pasted}`]) {
            const parsed = parseSecretRef(wrong);
            if (!parsed.ok) expect(parsed.problem).not.toContain(pasted);
          }
        },
      ),
    );
  });
});
