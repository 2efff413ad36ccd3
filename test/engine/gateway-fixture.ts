import { createHash, randomBytes } from "node:crypto";
import { expect } from "vitest";
import { bundleLauncher } from "../../node/bundle.ts";
import type {
  AccountPayload,
  AgentPayload,
  GatewayPayload,
  RuntimePayload,
  VerifyPayload,
} from "../../node/protocol.ts";
import { fingerprint, renderGeneration, slots } from "../../render/index.ts";
import { nodePath, PINNED_NODE } from "../../render/runtime-table.ts";
import { credentialVariable, parseFleet, type FleetInput } from "../../spec/index.ts";
import { DEFAULT_OPENCLAW_VERSION } from "../../spec/runtime.ts";
import type { TestCertificate } from "../certificates.ts";
import { validFleet } from "../fleet-input.ts";
import { NodeBench, RUNTIME_ID, runtimePayload, valueOf, type Outcome } from "./node-fixture.ts";

type GatewayInput = FleetInput["nodes"][number]["gateways"][number];

const KEY = new Uint8Array(32).fill(7);

/** A value that is nowhere else on the machine. */
export function canary(label: string): string {
  return `sk-ant-api03-${label}-${randomBytes(24).toString("hex")}`;
}

/** The payload as another generation: a name of its own, as any change to the content gives. */
export function asGeneration(payload: GatewayPayload): GatewayPayload {
  const hash = createHash("sha256").update(JSON.stringify(payload)).digest("hex");
  return { ...payload, generation: `g-${hash.slice(0, 16)}` };
}

/** Everything that the phases of one gateway are sent; `keys` holds each agent's credential and decides who exists. */
export class GatewayBench {
  readonly bench: NodeBench;
  readonly user: string;
  readonly home: string;
  readonly port: number;
  readonly token = canary("token");
  readonly keys: Record<string, string>;
  /** What the node reads itself: agents whose key is a reference, and how the node signs in. Default: nothing. */
  launch:
    | {
        readonly refs: Record<string, string>;
        readonly identity: GatewayInput["nodeIdentity"];
        readonly values: Record<string, string>;
      }
    | undefined;

  /** HTTPS with this certificate. Default: plain HTTP. */
  https: TestCertificate | undefined;

  constructor(bench: NodeBench, port: number, keys: Readonly<Record<string, string>>) {
    this.bench = bench;
    this.port = port;
    this.keys = { ...keys };
    this.user = "oc-team-a";
    this.home = `/home/${this.user}`;
  }

  get account(): AccountPayload {
    return { machine: {}, gateway: "team-a", user: this.user, home: this.home, sharedDirectories: [], purge: false };
  }

  get runtime(): RuntimePayload {
    return runtimePayload(this.bench.downloads);
  }

  /** @throws when the bench holds no key for the agent. */
  agent(id: string): AgentPayload {
    const { machine, gateway, user, home } = this.account;
    const workspace = `${home}/workspaces/${id}`;
    if (this.launch?.refs[id] !== undefined)
      return { machine, gateway, user, home, agent: id, workspace, mountPoints: [], credentials: [] };
    const value = this.keys[id];
    if (value === undefined) throw new Error(`no key for ${id}`);
    const credential = {
      provider: "anthropic",
      variable: credentialVariable(id, "anthropic"),
      value,
      fingerprint: this.#fingerprint(id),
    };
    return {
      machine,
      gateway,
      user,
      home,
      agent: id,
      workspace,
      mountPoints: [],
      credentials: [credential],
    };
  }

  /** The generation that the keys of this moment give. */
  gateway(): GatewayPayload {
    const fleet: FleetInput = validFleet();
    const [node] = fleet.nodes;
    const [gateway] = node?.gateways ?? [];
    if (node === undefined || gateway === undefined) throw new Error("the valid fleet has no gateway");
    const refs = this.launch?.refs ?? {};
    const agents = [...Object.keys(this.keys), ...Object.keys(refs)].map((id) => ({
      id,
      model: "anthropic/claude-opus-4-8",
      credentials: [
        refs[id] === undefined
          ? { provider: "anthropic", secret: `pulumi://${id}` }
          : { provider: "anthropic", secret: refs[id], resolve: "node" as const },
      ],
    }));
    const own = {
      ...gateway,
      user: this.user,
      port: this.port,
      keepGenerations: 2,
      agents,
      ...(this.https && { https: {} }),
      ...(this.launch?.identity === undefined ? {} : { nodeIdentity: this.launch.identity }),
      // nobody listens there: no test may ask a provider
      providers: [{ id: "anthropic", baseUrl: "http://127.0.0.1:9" }],
    };
    const [spec] = parseFleet({ ...fleet, nodes: [{ ...node, gateways: [own] }] }).nodes;
    if (spec?.gateways[0] === undefined) throw new Error("no gateway");
    const { launch, https, ...rendered } = renderGeneration({
      ...(this.https && { https: { certificate: this.https.certificate, authority: this.https.authority } }),
      node: spec,
      gateway: spec.gateways[0],
      runtime: { id: RUNTIME_ID, nodePath: nodePath(PINNED_NODE) },
      tokenFingerprint: fingerprint(KEY, slots.gatewayToken("team-a"), this.token),
      credentialFingerprint: (agent) => this.#fingerprint(agent),
      launcher: {
        program: () => bundleLauncher().programText,
        identityFingerprint: (variable) => fingerprint(KEY, variable, this.#identityValue(variable)),
      },
    });
    return {
      ...rendered,
      machine: {},
      token: { ...rendered.token, value: this.token },
      ...(https && this.https && { https: { ...https, key: this.https.key } }),
      ...(launch && {
        launch: {
          ...launch,
          credentials: launch.credentials.map((one) => ({ ...one, value: this.#identityValue(one.variable) })),
        },
      }),
      readyTimeoutSeconds: 120,
      purge: false,
    };
  }

  verify({ generation }: GatewayPayload = this.gateway()): VerifyPayload {
    const { machine, gateway, user, home, port, unit } = this.gateway();
    const openclawVersion = DEFAULT_OPENCLAW_VERSION;
    return { machine, gateway, user, home, port, unit, generation, openclawVersion, keepDevices: [] };
  }

  /** What a gateway that serves was given: its token, then every key. */
  served(): { readonly variable: string; readonly fingerprint: string }[] {
    const { token, agents } = this.gateway();
    return [token, ...agents.flatMap(({ credentials }) => credentials)].map(({ variable, fingerprint: digest }) => ({
      variable,
      fingerprint: digest,
    }));
  }

  /** Bootstrap, runtime, account and agents: everything before the gateway. */
  async prepare(): Promise<void> {
    valueOf(await this.bench.bootstrap());
    valueOf(await this.bench.apply("runtime", this.runtime));
    valueOf(await this.bench.apply("account", this.account));
    await this.stageAgents();
  }

  async stageAgents(): Promise<void> {
    for (const id of [...Object.keys(this.keys), ...Object.keys(this.launch?.refs ?? {})])
      valueOf(await this.bench.apply("agent", this.agent(id)));
  }

  /** A successful switch without its confirmation; returns the payload. */
  async switchOnly(payload = this.gateway()): Promise<GatewayPayload> {
    expect(valueOf(await this.bench.apply("gateway", payload)).action).toBe("switched");
    return payload;
  }

  async confirm(payload?: GatewayPayload): Promise<Outcome<unknown>> {
    const outcome = await this.bench.apply("verify", this.verify(payload));
    valueOf(outcome);
    return outcome;
  }

  /** Output of a command line as the gateway user, with its own service manager at hand. */
  async asUser(command: string): Promise<string> {
    const inner = `export HOME=${this.home} XDG_RUNTIME_DIR=/run/user/$(id -u) DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u)/bus; ${command}`;
    return await this.bench.output(
      `cd /; setpriv --reuid ${this.user} --regid ${this.user} --init-groups sh -s`,
      inner,
    );
  }

  async pid(): Promise<number> {
    return Number(await this.asUser(`systemctl --user show -P MainPID ${this.gateway().unit}`));
  }

  async live(): Promise<string> {
    return await this.bench.output(`readlink ${this.home}/.gatehouse/current || true`);
  }

  async generations(): Promise<string[]> {
    return (await this.bench.output(`ls ${this.home}/.gatehouse/generations`))
      .split("\n")
      .filter((name) => name !== "");
  }

  /** Body of the gateway's `/readyz`; empty when nobody answers. */
  async readyz(): Promise<string> {
    return await this.bench.output(`curl -s -m 5 http://127.0.0.1:${this.port}/readyz || true`);
  }

  /** Waits at most a minute for readiness, as after a reboot. */
  async untilReady(): Promise<void> {
    const poll = `curl -sf -m 5 -o /dev/null http://127.0.0.1:${this.port}/readyz`;
    await this.bench.output(`for _ in $(seq 240); do ${poll} && exit 0; sleep 0.25; done; exit 1`);
  }

  #identityValue(variable: string): string {
    const value = this.launch?.values[variable];
    if (value === undefined) throw new Error(`no value for ${variable}`);
    return value;
  }

  #fingerprint(agent: string): string {
    return fingerprint(KEY, slots.credential("team-a", agent, "anthropic"), this.keys[agent] ?? "");
  }
}
