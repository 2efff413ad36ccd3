import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseOutputs } from "../../operations/outputs.ts";
import { principalKey, writePrivateKey } from "../../operations/private-key.ts";

const directory = mkdtempSync(join(tmpdir(), "gatehouse-key-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----\n";
const principal = { kind: "person", environment: "prod", keyVersion: 1, fingerprint: "SHA256:x", gateways: [] };
const outputs = parseOutputs({
  principals: [
    { ...principal, name: "runner-1" },
    { ...principal, name: "on-call" },
  ],
  principalKeys: { "runner-1": KEY },
});

describe("the private key of a principal", () => {
  it("is written for its owner alone, and over nothing", async () => {
    const path = join(directory, "key");
    await writePrivateKey(path, principalKey(outputs, "runner-1"));
    expect(readFileSync(path, "utf8")).toBe(KEY);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(writePrivateKey(path, "other")).rejects.toThrow("is never written over");
    expect(readFileSync(path, "utf8")).toBe(KEY);
    await expect(writePrivateKey(join(directory, "none", "key"), KEY)).rejects.toThrow("can't be written (ENOENT)");
  });

  it("is missed with the names of those that there are, and not shown", () => {
    expect(() => principalKey(outputs, "nobody")).toThrow("it made runner-1");
    expect(() => principalKey(outputs, "on-call")).toThrow("came with a public key of its own");
    expect(() => principalKey(parseOutputs({}), "nobody")).toThrow("it made none");
  });
});
