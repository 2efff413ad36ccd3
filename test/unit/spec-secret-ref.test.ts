import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatSecretRef, parseSecretRef, type SecretRef } from "../../spec/index.ts";

const reference: fc.Arbitrary<SecretRef> = fc.oneof(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,40}$/).map((key) => ({ scheme: "pulumi" as const, key })),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,40}$/).map((name) => ({ scheme: "env" as const, name })),
  fc.stringMatching(/^(\/[A-Za-z0-9 ._-]+)+$/).map((path) => ({ scheme: "file" as const, path })),
);

describe("SecretRef", () => {
  it("survives a round trip", () => {
    fc.assert(
      fc.property(reference, (ref) => {
        expect(parseSecretRef(formatSecretRef(ref))).toEqual({ ok: true, ref });
      }),
    );
  });

  it.each(["", "plain", "://x", "pulumi://", "env://A B", "file://relative", "vault2://x", "env://"])(
    "refuses %j",
    (text) => {
      expect(parseSecretRef(text).ok).toBe(false);
    },
  );
});
