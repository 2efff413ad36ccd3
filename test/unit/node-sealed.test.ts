import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkMachine } from "../../node/lib/machine.ts";
import { nodePaths, type NodePaths } from "../../node/lib/paths.ts";
import { ensureSealingKey, openPayload } from "../../node/lib/sealing-key.ts";
import { linux } from "../../node/platform/linux/platform.ts";
import { isSealed, publicText, seal, unseal } from "../../node/sealed.ts";

const secret = randomBytes(32);
const nodeKey = generateKeyPairSync("x25519").privateKey;
const recipient = publicText(nodeKey);

describe("a sealed payload", () => {
  it("is opened by the node, whatever it holds, and shows nothing of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (noise) => {
        const text = `${noise.toWellFormed()}CANARY`;
        const payload = seal(text, recipient, secret);
        expect(unseal(payload, nodeKey)).toBe(text);
        expect(JSON.stringify(payload)).not.toContain("CANARY");
      }),
    );
  });

  it("is the same for the same text, and shares no key with another text, node or stack", () => {
    const first = seal("text", recipient, secret);
    expect(seal("text", recipient, secret)).toEqual(first);
    const other = publicText(generateKeyPairSync("x25519").privateKey);
    const senders = [
      seal("texu", recipient, secret),
      seal("text", other, secret),
      seal("text", recipient, randomBytes(32)),
    ];
    expect(new Set([first, ...senders].map(({ sender }) => sender)).size).toBe(4);
  });

  it.each([
    ["another key", { ...seal("text", recipient, secret) }, generateKeyPairSync("x25519").privateKey],
    ["a changed text", { ...seal("text", recipient, secret), text: seal("texu", recipient, secret).text }, nodeKey],
    ["a text cut short", { ...seal("text", recipient, secret), text: "AAAA" }, nodeKey],
    ["a changed sender", { ...seal("text", recipient, secret), sender: recipient }, nodeKey],
    ["no sender", { sealed: 1, text: "AAAA" } as never, nodeKey],
  ])("is not opened with %s", (_what, payload, key) => {
    expect(() => unseal(payload, key)).toThrow();
  });

  it("is not made with a short secret or for something that is no key", () => {
    expect(() => seal("text", recipient, randomBytes(31))).toThrow(/32 bytes, got 31/);
    expect(() => seal("text", "AAAA", secret)).toThrow(/public key of 32 bytes, got 3/);
  });
});

describe("a node's sealing key", () => {
  let root: string;
  let paths: NodePaths;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "gatehouse-sealed-"));
    paths = nodePaths(root);
    await mkdir(join(root, "var/lib"), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const context = () => ({ paths, platform: { ...linux, machineId: () => Promise.resolve("0123456789abcdef") } });
  const opened = async (payload: unknown) => openPayload(payload, context());

  it("is made once and is root's alone", async () => {
    const first = await ensureSealingKey(paths);
    expect(await ensureSealingKey(paths)).toBe(first);
    expect((await stat(paths.sealingKey)).mode & 0o777).toBe(0o600);
    expect(await readFile(paths.sealingKey, "utf8")).toContain("PRIVATE KEY");
  });

  it("opens what was sealed for it, and leaves the rest alone", async () => {
    const text = JSON.stringify({ a: [1] });
    expect(isSealed(seal(text, recipient, secret))).toBe(true);
    expect(await opened(seal(text, await ensureSealingKey(paths), secret))).toEqual({ a: [1] });
    expect(await opened({ a: 1 })).toEqual({ a: 1 });
    expect(await opened(null)).toBeNull();
  });

  it("says that the machine was replaced, where it has no record", async () => {
    await expect(opened(seal("{}", recipient, secret))).rejects.toMatchObject({ code: "machine-changed" });
  });

  it.each([
    ["is missing", () => Promise.resolve(undefined)],
    ["is another one", () => ensureSealingKey(paths)],
    ["is damaged", () => ensureSealingKey(paths).then(() => writeFile(paths.sealingKey, "CANARY"))],
  ])("says what to do when it %s", async (_what, prepare) => {
    await checkMachine({ known: false }, context());
    await prepare();
    const failure = await opened(seal("{}", recipient, secret)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "sealed", fix: expect.stringContaining("account phase") as string });
    expect(String(failure)).not.toContain("CANARY");
  });
});
