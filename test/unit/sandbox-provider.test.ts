import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  fetchRecords,
  launchProvider,
  ProviderError,
  RECORDS_PATH,
  startProvider,
  stopProvider,
  type Provider,
} from "../../sandbox/provider/index.ts";

const KEYS = { research: "sk-ant-test-research-0001", builder: "sk-ant-test-builder-0002" };
const WRONG = "sk-ant-test-somebody-else-0003";
const MODEL = "claude-opus-4-8";

function ask(port: number, headers: Record<string, string>, body: unknown = { model: MODEL }): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("stand-in provider", () => {
  let provider: Provider;
  beforeEach(async () => {
    provider = await startProvider({ keys: KEYS });
  });
  afterEach(async () => {
    await provider.close();
  });

  it("answers an expected key and remembers whose it was", async () => {
    const response = await ask(provider.port, { "x-api-key": KEYS.builder });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      type: "message",
      role: "assistant",
      model: MODEL,
      content: [{ type: "text", text: "pong" }],
      stop_reason: "end_turn",
    });
    expect(provider.records()).toMatchObject([
      { path: "/v1/messages", model: MODEL, key: "builder", status: 200, stream: false },
    ]);
  });

  it("takes a bearer token as well", async () => {
    expect((await ask(provider.port, { authorization: `Bearer ${KEYS.research}` })).status).toBe(200);
    expect(provider.records()[0]?.key).toBe("research");
  });

  it("streams the events of a message in order", async () => {
    const response = await ask(provider.port, { "x-api-key": KEYS.research }, { model: MODEL, stream: true });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const text = await response.text();
    expect([...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    for (const [, data] of text.matchAll(/^data: (.+)$/gm)) expect(() => void JSON.parse(data ?? "")).not.toThrow();
  });

  it.each([
    ["a wrong key", { "x-api-key": WRONG }, "unknown"],
    ["a part of a right key", { "x-api-key": KEYS.research.slice(0, -1) }, "unknown"],
    ["no key", {}, "none"],
  ])("refuses %s as the vendor does", async (_case, headers, label) => {
    const response = await ask(provider.port, headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      type: "error",
      error: { type: "authentication_error", message: "invalid x-api-key" },
    });
    expect(provider.records()).toMatchObject([{ key: label, status: 401 }]);
  });

  it("remembers no key, wherever in a request it stands", async () => {
    await ask(provider.port, { "x-api-key": KEYS.research });
    await ask(provider.port, { "x-api-key": WRONG }, { model: KEYS.builder });
    await ask(provider.port, { "x-api-key": KEYS.research }, { model: WRONG, stream: true });
    await fetch(`http://127.0.0.1:${provider.port}/v1/${KEYS.research}?key=${WRONG}`, { method: "POST", body: "{}" });
    const listed = await (await fetch(`http://127.0.0.1:${provider.port}${RECORDS_PATH}`)).text();
    expect(JSON.parse(listed)).toEqual(provider.records());
    expect(provider.records()).toHaveLength(4);
    for (const key of [...Object.values(KEYS), WRONG]) expect(listed).not.toContain(key);
  });

  it("answers 400 to what is no request and 404 to other paths", async () => {
    expect((await ask(provider.port, { "x-api-key": KEYS.research }, "{")).status).toBe(400);
    const other = await fetch(`http://127.0.0.1:${provider.port}/v1/other`, {
      headers: { "x-api-key": KEYS.research },
    });
    expect(other.status).toBe(404);
  });
});

describe("keys of the stand-in provider", () => {
  it.each([
    ["a reserved label", { unknown: "k" }],
    ["an empty key", { a: "" }],
    ["one key under two labels", { a: "same", b: "same" }],
  ])("refuses %s", async (_case, keys) => {
    await expect(startProvider({ keys })).rejects.toThrow(ProviderError);
  });
});

describe("stand-in provider as a process", () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-provider-"));
  });
  afterEach(async () => {
    await stopProvider(at("pid"));
    await rm(directory, { recursive: true });
  });
  const files = () => ({ keysFile: at("keys.json"), pidFile: at("pid"), logFile: at("log"), port: 0 });

  it("outlives its starter, follows the key file and stops", async () => {
    await writeFile(at("keys.json"), JSON.stringify({ old: KEYS.research }), { mode: 0o600 });
    const port = await launchProvider(files());
    expect(await launchProvider(files())).toBe(port);
    expect((await ask(port, { "x-api-key": KEYS.research })).status).toBe(200);
    await writeFile(at("keys.json"), JSON.stringify({ new: KEYS.builder }));
    expect((await ask(port, { "x-api-key": KEYS.research })).status).toBe(401);
    expect((await ask(port, { "x-api-key": KEYS.builder })).status).toBe(200);
    expect((await fetchRecords(port)).map((record) => record.key)).toEqual(["old", "unknown", "new"]);
    await stopProvider(at("pid"));
    await stopProvider(at("pid"));
    await expect(fetchRecords(port)).rejects.toThrow();
  });

  it("refuses a key file that others can read", async () => {
    await writeFile(at("keys.json"), JSON.stringify(KEYS));
    await chmod(at("keys.json"), 0o644);
    await expect(launchProvider(files())).rejects.toThrow(ProviderError);
  });
});
