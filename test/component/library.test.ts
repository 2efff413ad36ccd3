import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ComponentError, GatewayNode, type GatewayNodeArgs } from "gatehouse";
import { describe, expect, it } from "vitest";
import { connectionInput, pinnedHostKey } from "../../remote/connection.ts";
import { SpecError } from "../../spec/index.ts";
import { HOST_KEY } from "../fleet-input.ts";
import { COMMAND, commands, find, MACHINE_ID, mockedRun, openedStdin, revealed, visible } from "./mocked-run.ts";

const KEY = "sk-ant-api03-CANARYlibrary0123456789abcdefABCDEF";
const REF = "pulumi://key";

/** As another program would write it; `gateway` has to be unique in a stack. */
function nodeArgs(gateway: string, changes: Partial<GatewayNodeArgs> = {}): GatewayNodeArgs {
  return {
    platform: "linux",
    connection: { host: pulumi.output("192.0.2.10"), hostKey: pulumi.output(HOST_KEY) },
    downloads: { registry: "https://registry.example.com/" },
    gateways: [
      {
        name: gateway,
        environment: "prod",
        user: `oc-${gateway}`,
        port: 18789,
        agents: [
          {
            id: "research",
            model: "anthropic/claude-opus-4-8",
            credentials: [{ provider: "anthropic", secret: REF }],
          },
        ],
      },
    ],
    secrets: { [REF]: pulumi.output(KEY) },
    ...changes,
  };
}

describe("GatewayNode in another program", () => {
  it("takes outputs, serves several nodes and gives what a caller needs", async () => {
    const run = await mockedRun(() => {
      const nodes = ["aa", "bb"].map((name) => new GatewayNode(`node-${name}`, nodeArgs(name)));
      return Promise.resolve({
        nodes: nodes.map((node) => ({
          machineId: node.machineId,
          endpoints: Object.values(node.gateways).map(({ endpoint, verified, generation }) => ({
            endpoint,
            generation,
            health: verified.apply(({ health }) => health),
          })),
        })),
      });
    });
    const node = {
      machineId: MACHINE_ID,
      endpoints: [
        {
          endpoint: "ws://127.0.0.1:18789",
          health: "ready",
          generation: expect.stringMatching(/^g-[0-9a-f]{16}$/) as unknown,
        },
      ],
    };
    expect(run.stackOutputs["nodes"]).toEqual([node, node]);
    expect(commands(run)).toHaveLength(12);
    expect(find(run, COMMAND, "node-aa-bootstrap").inputs["connection"]).toMatchObject({
      value: { port: 22, user: "root" },
    });
  });

  it("keeps plain values that are passed as secrets secret", async () => {
    const [gateway] = nodeArgs("aa").gateways;
    if (gateway === undefined) throw new Error("no gateway");
    const withToken = nodeArgs("aa", {
      gateways: [{ ...gateway, token: "pulumi://token" }],
      secrets: { [REF]: KEY, "pulumi://token": "CANARY-token-0123456789abcdef" },
    });
    const run = await mockedRun(async () => {
      const node = new GatewayNode("node", withToken);
      const { token, agents } = node.gateways["aa"] ?? {};
      return Promise.resolve({ token, agents: agents?.["research"]?.credentials });
    });
    expect(openedStdin(revealed(find(run, COMMAND, "aa/research-agent").inputs["stdin"]))).toContain(KEY);
    expect(JSON.stringify([visible(run.outputs), run.resources.map(({ inputs }) => visible(inputs))])).not.toContain(
      "CANARY",
    );
  });

  it("previews a machine that does not exist yet", async () => {
    const run = await mockedRun(
      () => {
        const { publicKeyOpenssh: later } = new tls.PrivateKey("machine", { algorithm: "ED25519" });
        return Promise.resolve(
          new GatewayNode("node", nodeArgs("aa", { connection: { host: later, hostKey: later } })),
        );
      },
      { preview: true },
    );
    expect(find(run, "gatehouse:index:GatewayNode", "node").inputs["connection"]).toMatchObject({
      host: pulumi.runtime.unknownValue,
      hostKeyFingerprint: pulumi.runtime.unknownValue,
      user: "root",
    });
    expect(commands(run)).toHaveLength(6);
  });

  it("binds the phases to the machine id that is declared", async () => {
    const run = await mockedRun(() =>
      Promise.resolve(new GatewayNode("node", nodeArgs("aa", { machineId: pulumi.output(MACHINE_ID) }))),
    );
    for (const { name, inputs } of commands(run))
      expect(openedStdin(revealed(inputs["stdin"])), name).toContain(MACHINE_ID);
  });

  it.each([
    ["a secret that is not passed", nodeArgs("aa", { secrets: {} }), ComponentError, `no value for ${REF}`],
    ["no gateway", nodeArgs("aa", { gateways: [] }), SpecError, "gateways: a node needs at least one gateway"],
    [
      "a registry with a password",
      nodeArgs("aa", { downloads: { registry: "https://u:CANARY@r.example.com/" } }),
      ComponentError,
      "downloads.registry",
    ],
    [
      "a certificate that is none",
      nodeArgs("aa", { downloads: { registry: "https://r.example.com/", extraCaCertificates: ["/absent.pem"] } }),
      ComponentError,
      "/absent.pem",
    ],
  ])("refuses %s before it registers anything", async (_what, args, kind, text) => {
    const registered: string[] = [];
    const run = mockedRun(() => Promise.resolve(new GatewayNode("node", args)), {
      onRegister: (name) => registered.push(name),
    });
    const error: unknown = await run.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain(text);
    expect(String(error)).not.toContain("CANARY");
    expect(registered).toEqual([]);
  });
});

describe("a connection", () => {
  it("sends the pinned key without its comment", async () => {
    const { hostKey } = connectionInput({ host: "192.0.2.10", hostKey: `${HOST_KEY} root@box-1` });
    const sent = await new Promise((resolve) => pulumi.output(hostKey).apply(resolve));
    expect(sent).toBe(HOST_KEY);
  });

  it.each(["", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ", `192.0.2.10 ${HOST_KEY}`, HOST_KEY.slice(0, -8)])(
    "is refused for the host key %j",
    (hostKey) => {
      expect(() => pinnedHostKey(hostKey)).toThrow("connection.hostKey: ");
    },
  );
});
