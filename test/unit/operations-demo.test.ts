import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { mask } from "../../render/mask.ts";
import { demoFleet } from "../../demo/fleet.ts";
import { keyProblem } from "../../demo/key-problem.ts";
import { ensureKeys, secretName } from "../../demo/keys.ts";
import { ownAccess } from "../../demo/own-host.ts";
import { readRecord, writeRecord } from "../../demo/record.ts";
import { DEMO, demoPaths } from "../../demo/settings.ts";
import { parseFleet } from "../../spec/index.ts";
import { HOST_KEY } from "../fleet-input.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-demo-"));
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
});

describe("the key that came", () => {
  const record = (key: string, status = 200) => ({
    time: "2026-01-01T00:00:00Z",
    path: "/v1/messages",
    model: "claude-opus-4-8",
    key,
    status,
    stream: true,
  });

  it.each([
    ["is the agent's own", [record("research"), record("research")], []],
    ["is its own, with a late helper call of an earlier agent", [record("builder"), record("research")], ["builder"]],
  ])("%s: no objection", (_, records, before) => {
    expect(keyProblem("research", records, before)).toBeUndefined();
  });

  it.each([
    ["is another agent's", [record("builder")], []],
    ["is only an earlier agent's", [record("builder")], ["builder"]],
    ["is also one of an agent that had no turn yet", [record("research"), record("builder")], []],
    ["is also an unknown one", [record("research"), record("unknown", 401)], ["builder"]],
    ["was refused", [record("research", 401)], []],
    ["never came", [], []],
  ])("%s: an objection", (_, records, before) => {
    expect(keyProblem("research", records, before)).toBeDefined();
  });
});

describe("keys", () => {
  it("are made once, one for each agent, in a file of ours alone, in a shape that may be masked", async () => {
    const file = join(directory, "keys.json");
    const keys = await ensureKeys(file);
    expect(Object.keys(keys)).toEqual([...DEMO.agents]);
    expect(new Set(Object.values(keys)).size).toBe(DEMO.agents.length);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const key of Object.values(keys)) {
      expect(key).toMatch(/^sk-ant-api03-[A-Za-z0-9_-]{92}$/);
      expect(mask(key)).toMatch(/^sk-a….{4}$/);
    }
    expect(await ensureKeys(file)).toEqual(keys);
  });
});

it("the demo's fleet is a valid one, and refers to keys without holding them", async () => {
  const keys = await ensureKeys(join(directory, "keys.json"));
  const ssh = { host: "127.0.0.1", port: 2222, user: "ops", identityFile: "/a/key", hostKey: HOST_KEY };
  const fleet = demoFleet({
    ssh,
    platform: "linux",
    gatewayPort: 18789,
    providerUrl: "http://127.0.0.1:9",
    extraCaCertificates: ["/a/ca.pem"],
  });
  const [node] = parseFleet(fleet).nodes;
  expect(node?.connection.privateKey).toBe("file:///a/key");
  expect(node?.downloads.extraCaCertificates).toEqual(["/a/ca.pem"]);
  const refs = node?.gateways[0]?.agents.map(({ credentials }) => credentials[0]?.secret);
  expect(refs).toEqual(DEMO.agents.map((agent) => `pulumi://${secretName(agent)}`));
  for (const key of Object.values(keys)) expect(JSON.stringify(fleet)).not.toContain(key);
});

describe("the record", () => {
  it("is kept as written, and refused when it is of another version", async () => {
    const file = demoPaths({ GATEHOUSE_STATE_DIR: directory }).record;
    expect(await readRecord(file)).toBeUndefined();
    const record = { version: 1 as const, platform: "macos" as const, gatewayPort: 18789, providerPort: 22000, registryPort: 22001 }; // prettier-ignore
    await writeRecord(file, record);
    expect(await readRecord(file)).toEqual(record);
    writeFileSync(file, JSON.stringify({ version: 1, gatewayPort: 18789, providerPort: 22000 }));
    expect(await readRecord(file)).toMatchObject({ platform: "linux" });
    await writeRecord(file, record);
    writeFileSync(file, readFileSync(file, "utf8").replace('"version": 1', '"version": 2'));
    await expect(readRecord(file)).rejects.toMatchObject({ code: "demo-record" });
  });
});

describe("a machine of one's own", () => {
  const identity = (): string => {
    const file = join(directory, "id_ed25519");
    writeFileSync(file, "", { mode: 0o600 });
    return file;
  };

  it("is reached with the pinned key that was given", async () => {
    const flags = { host: "ops@192.0.2.9", port: 2222, identity: identity(), hostKey: HOST_KEY };
    expect(await ownAccess(flags)).toEqual({
      host: "192.0.2.9",
      port: 2222,
      user: "ops",
      identityFile: flags.identity,
      hostKey: HOST_KEY,
    });
  });

  it.each([
    ["no user", { host: "192.0.2.9", hostKey: HOST_KEY }, /user@host/],
    ["an option in place of a user", { host: "-opt@192.0.2.9", hostKey: HOST_KEY }, /user@host/],
    ["an option in place of a host", { host: "ops@-opt", hostKey: HOST_KEY }, /user@host/],
    ["another kind of host key", { host: "ops@192.0.2.9", hostKey: "ssh-rsa AAAA" }, /ed25519/],
    ["a host key that was never seen", { host: "ops@gatehouse-never-seen.invalid" }, /not known/],
    ["no private key", { host: "ops@192.0.2.9", hostKey: HOST_KEY, identity: "/nowhere" }, /no private key/],
  ])("is refused with %s", async (_, flags, message) => {
    await expect(ownAccess({ identity: identity(), ...flags })).rejects.toThrow(message);
  });
});
