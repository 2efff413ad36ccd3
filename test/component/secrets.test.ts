import { hkdfSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FleetInput } from "../../spec/index.ts";
import { fleetWith, KEYS, OperatorFiles, runFleet, SSH_KEY } from "./fleet.ts";
import { COMMAND, commands, find, openedStdin, revealed, seedOf, visible, type MockedRun } from "./mocked-run.ts";

const files = new OperatorFiles();
afterAll(() => {
  files.remove();
});

const derived = (seed: string, purpose: string) =>
  Buffer.from(hkdfSync("sha256", seedOf(seed), "", `gatehouse/${purpose}/v1`, 32)).toString("base64url");
const TOKEN = derived("team-a-token-seed", "token");
const FINGERPRINT_KEY = derived("fingerprint-key", "fingerprint-key");

/** Whatever must not be seen anywhere. */
const HIDDEN = [...Object.values(KEYS), "CANARY", TOKEN, FINGERPRINT_KEY];

/** As the node reads it. */
const stdinOf = (run: MockedRun, name: string) => openedStdin(revealed(find(run, COMMAND, name).inputs["stdin"]));

describe.each([false, true])("secrets of a run (preview: %s)", (preview) => {
  let run: MockedRun;
  beforeAll(async () => {
    run = await runFleet(fleetWith(files.sshKey), { preview });
  });

  it("travel in wrapped stdin and connection only", () => {
    for (const { name, inputs } of commands(run)) {
      expect(visible(inputs), name).toMatchObject({ connection: "[secret]", stdin: "[secret]" });
    }
  });

  it("are in nothing that can be seen", () => {
    const seen = JSON.stringify([run.resources.map(({ inputs }) => visible(inputs)), visible(run.outputs)]);
    for (const secret of HIDDEN) expect(seen).not.toContain(secret);
  });
});

describe("secrets of an update", () => {
  let run: MockedRun;
  beforeAll(async () => {
    run = await runFleet(fleetWith(files.sshKey));
  });

  it("reach the one phase that needs them", () => {
    const carriers = (secret: string) =>
      commands(run)
        .map(({ name }) => name)
        .filter((name) => stdinOf(run, name).includes(secret));
    expect(carriers(KEYS["research-anthropic"])).toEqual(["team-a/research-agent"]);
    expect(carriers(KEYS["builder-anthropic"])).toEqual(["team-a/builder-agent"]);
    expect(carriers(TOKEN)).toEqual(["team-a-gateway"]);
    for (const nowhere of [FINGERPRINT_KEY, "SEED-CANARY", "SSH-CANARY"]) expect(carriers(nowhere)).toEqual([]);
  });

  it("are sealed to the node before the engine gets them", () => {
    for (const { name, inputs } of commands(run)) {
      for (const secret of HIDDEN) expect(revealed(inputs["stdin"]), name).not.toContain(secret);
    }
  });

  it("let the SSH key reach the connection", () => {
    const { connection } = find(run, COMMAND, "box-1-bootstrap").inputs;
    expect(visible(connection)).toBe("[secret]");
    expect(connection).toMatchObject({ value: { privateKey: SSH_KEY } });
  });

  it("make a token of 256 bits that is a secret output", () => {
    expect(visible(run.stackOutputs)).toMatchObject({ gatewayTokens: "[secret]" });
    expect(run.stackOutputs["gatewayTokens"]).toMatchObject({ value: { "team-a": TOKEN } });
    expect(Buffer.from(TOKEN, "base64url")).toHaveLength(32);
  });

  it("leave fingerprints and results in clear", () => {
    const text = JSON.stringify(run.stackOutputs["nodes"]);
    expect(text).toMatch(/"tokenFingerprint":"h1\.[\w-]{4}\.[\w-]{22}"/);
    expect(text).toMatch(/"health":"ready"/);
    expect(JSON.stringify(visible(run.stackOutputs["nodes"]))).toBe(text);
  });

  it("take a token by reference in place of a generated one", async () => {
    const token = "own-token-CANARY-0123456789abcdef";
    const fleet = fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: node.gateways.map((gateway) => ({ ...gateway, token: "pulumi://own-token" })),
    }));
    const own = await runFleet(fleet, { secrets: { ...KEYS, "own-token": token } });
    expect(own.resources.map(({ name }) => name)).not.toContain("team-a-token-seed");
    expect(stdinOf(own, "team-a-gateway")).toContain(token);
    expect(
      JSON.stringify(visible([own.stackOutputs, own.resources.map(({ inputs }) => visible(inputs))])),
    ).not.toContain(token);
  });
});

describe("secrets that can't be used", () => {
  const agentWith = (...refs: string[]): FleetInput =>
    fleetWith(files.sshKey, (node) => ({
      ...node,
      gateways: node.gateways.map((gateway) => ({
        ...gateway,
        environment: "staging",
        agents: refs.map((secret, index) => ({
          id: `agent-${index}`,
          model: "anthropic/claude-opus-4-8",
          credentials: [{ provider: "anthropic", secret }],
        })),
      })),
    }));

  const FIELD = (agent: number) => `nodes[0].gateways[0].agents[${agent}].credentials[0].secret`;

  async function refusal(fleet: FleetInput, options: Parameters<typeof runFleet>[1] = {}): Promise<string> {
    const error: unknown = await runFleet(fleet, options).catch((thrown: unknown) => thrown);
    if (!(error instanceof Error)) throw new Error("it was not refused");
    return error.message;
  }

  it("are all named in one error, by field and reference", async () => {
    const message = await refusal(agentWith("pulumi://absent", "env://GATEHOUSE_TEST_ABSENT", "file:///absent/key"));
    expect(message).toContain(`${FIELD(0)}: pulumi://absent is not set`);
    expect(message).toContain("pulumi config set --secret gatehouse:absent");
    expect(message).toContain(`${FIELD(1)}: env://GATEHOUSE_TEST_ABSENT is not set`);
    expect(message).toContain(`${FIELD(2)}: file:///absent/key cannot be read (ENOENT)`);
  });

  it("stop the program before anything is registered", async () => {
    const registered: string[] = [];
    await refusal(agentWith("pulumi://absent"), { onRegister: (name) => registered.push(name) });
    expect(registered).toEqual([]);
  });

  it.each([
    ["is stored in clear", { clear: { key: KEYS["research-anthropic"] } }],
    ["is empty", { secrets: { key: "" } }],
    ["has 8 characters", { secrets: { key: "CANARY-1" } }],
    ["contains a NUL character", { secrets: { key: "sk-ant-api03-CANARY\0CANARY-0123456789" } }],
  ])("a value in the configuration that %s", async (problem, options) => {
    const message = await refusal(agentWith("pulumi://key"), options);
    expect(message).toContain(FIELD(0));
    expect(message).toContain(problem);
    expect(message).not.toContain("CANARY");
  });

  it("a file that others can read, a directory and an empty file", async () => {
    const open = files.write("open", KEYS["research-anthropic"], 0o644);
    const empty = files.write("empty", "\n", 0o600);
    const refs = [`file://${open}`, `file://${files.directory}`, `file://${empty}`];
    const message = await refusal(agentWith(...refs));
    expect(message).toContain(`${FIELD(0)}: ${refs[0]} can be read by others`);
    expect(message).toContain(`${FIELD(1)}: ${refs[1]} is not a regular file`);
    expect(message).toContain(`${FIELD(2)}: the value of ${refs[2]} is empty`);
    expect(message).not.toContain("CANARY");
  });

  it("an SSH key that is none, or is encrypted", async () => {
    const none = files.write("none", "CANARY\n", 0o600);
    const encrypted = files.write(
      "encrypted",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nCANARY\n-----END ENCRYPTED PRIVATE KEY-----\n",
      0o600,
    );
    expect(await refusal(fleetWith(none))).toContain("nodes[0].connection.privateKey: the value of");
    expect(await refusal(fleetWith(encrypted))).toContain("is protected by a passphrase");
  });

  it("except for the newline at the end of a private file", async () => {
    const path = files.write("key", `${KEYS["research-anthropic"]}\n`, 0o400);
    const run = await runFleet(agentWith(`file://${path}`));
    const payload = JSON.parse(stdinOf(run, "team-a/agent-0-agent")) as { credentials: { value: string }[] };
    expect(payload.credentials[0]?.value).toBe(KEYS["research-anthropic"]);
  });
});
