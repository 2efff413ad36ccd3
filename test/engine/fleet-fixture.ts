import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { openStack, type UpReport } from "../../operations/stack.ts";
import type { FleetInput } from "../../spec/index.ts";
import { serveRuntime, startMacosStandIn, type StandInRuntime } from "../../sandbox/macos/index.ts";
import {
  destroyNode,
  extraAuthorities,
  startNode,
  type StartOptions,
  type TestNode,
} from "../../sandbox/node/index.ts";
import { freePort } from "../../sandbox/node/port.ts";
import { provisionedBase } from "./node-fixture.ts";
import { startProvider, type Provider, type Script } from "../../sandbox/provider/index.ts";

/** Shaped like a real key; random, so that a search for it finds nothing by accident. */
export function canaryKey(): string {
  return `sk-ant-api03-${randomBytes(48).toString("base64url")}AA`;
}

/** What a test node is, and what its spec says besides its address. */
interface NodeKind {
  readonly start: (options: StartOptions) => Promise<TestNode>;
  readonly runtime?: (directory: string) => Promise<StandInRuntime>;
}

const debian = (base?: string): NodeKind => ({
  start: (options) => startNode({ ...options, ...(base !== undefined && { base }) }),
});

type NodeInput = FleetInput["nodes"][number];
export type GatewayInput = NodeInput["gateways"][number];

/** A real node, a loopback provider and a state directory for real stacks. */
export class FleetBench {
  readonly node: TestNode;
  readonly provider: Provider;
  readonly directory: string;
  /** Everything that was shown to the operator. */
  readonly shown: string[] = [];
  /** Secrets by `pulumi://` key; a test may change them between two runs. */
  readonly secrets: Record<string, string> = {};
  /** JSON file with the policy pack's exceptions; a test may set it. */
  policyConfig: string | undefined;
  readonly #authorities: string[];
  readonly #ports: readonly number[];
  readonly #standIn: StandInRuntime | undefined;

  private constructor(
    node: TestNode,
    provider: Provider,
    directory: string,
    more: { readonly authorities: string[]; readonly ports: readonly number[]; readonly standIn?: StandInRuntime },
  ) {
    this.node = node;
    this.provider = provider;
    this.directory = directory;
    this.#authorities = more.authorities;
    this.#ports = more.ports;
    this.#standIn = more.standIn;
  }

  /**
   * With a node that has the pinned Node and OpenClaw already. `keys`: what the provider accepts, by label; `script`: what
   * its model does.
   */
  static async start(name: string, keys: Readonly<Record<string, string>> = {}, script?: Script): Promise<FleetBench> {
    return await FleetBench.#startOn(debian(await provisionedBase()), name, keys, script);
  }

  /** The same with a node as a machine comes. */
  static async startBare(name: string, keys: Readonly<Record<string, string>> = {}): Promise<FleetBench> {
    return await FleetBench.#startOn(debian(), name, keys);
  }

  /** The same with a stand-in for a Mac, as it comes. */
  static async startMacosStandIn(name: string, keys: Readonly<Record<string, string>> = {}): Promise<FleetBench> {
    return await FleetBench.#startOn({ start: startMacosStandIn, runtime: serveRuntime }, name, keys);
  }

  static async #startOn(
    kind: NodeKind,
    name: string,
    keys: Readonly<Record<string, string>>,
    script?: Script,
  ): Promise<FleetBench> {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-fleet-"));
    const note = (line: string): void => void process.stderr.write(`${line}\n`);
    try {
      const stateDir = join(directory, "node");
      const node = await kind.start({ name, stateDir, progress: note });
      const standIn = await kind.runtime?.(directory);
      const authorities = await Promise.all(
        (await extraAuthorities(process.env)).map(async (pem, index) => {
          const path = join(directory, `authority-${index}.pem`);
          await writeFile(path, pem);
          return path;
        }),
      );
      const first = await freePort("127.0.0.1");
      const ports = [first, await freePort("127.0.0.1", first + 150)];
      return new FleetBench(node, await startProvider({ keys, ...(script && { script }) }), directory, {
        authorities,
        ports,
        ...(standIn && { standIn }),
      });
    } catch (error) {
      await destroyNode(join(directory, "node"));
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.provider.close();
    await this.#standIn?.close();
    await this.node.destroy();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A gateway whose agents' keys are `pulumi://GATEWAY-AGENT`; `index` chooses its port. */
  gateway(name: string, index: 0 | 1, agents: readonly string[], changes: Partial<GatewayInput> = {}): GatewayInput {
    return {
      name,
      environment: "staging",
      user: `oc-${name}`,
      port: this.#ports[index] ?? 0,
      providers: [{ id: "anthropic", baseUrl: this.provider.baseUrl }],
      agents: agents.map((id) => ({
        id,
        model: "anthropic/claude-opus-4-8",
        credentials: [{ provider: "anthropic", secret: `pulumi://${name}-${id}` }],
      })),
      ...changes,
    };
  }

  fleet(gateways: readonly GatewayInput[], connection: Partial<NodeInput["connection"]> = {}): FleetInput {
    const { host, port, user, hostKey, identityFile } = this.node.ssh;
    return {
      environments: [{ name: "staging", kind: "staging" }],
      nodes: [
        {
          name: "box-1",
          platform: this.#standIn === undefined ? "linux" : "macos",
          connection: { host, port, user, hostKey, privateKey: `file://${identityFile}`, ...connection },
          downloads: { extraCaCertificates: this.#authorities, ...this.#standIn?.downloads },
          ...(this.#standIn && { runtime: this.#standIn.runtime }),
          gateways: [...gateways],
        },
      ],
    };
  }

  get stateDir(): string {
    return join(this.directory, "state");
  }

  async open(stack: string, fleet: FleetInput) {
    await mkdir(this.stateDir, { recursive: true, mode: 0o700 });
    return await openStack({
      stack,
      stateDir: this.stateDir,
      fleet,
      secrets: this.secrets,
      ...(this.policyConfig !== undefined && { policyConfig: this.policyConfig }),
      progress: (line) => {
        this.shown.push(line);
        process.stderr.write(`  ${line}\n`);
      },
    });
  }

  async up(stack: string, fleet: FleetInput): Promise<UpReport> {
    return await (await this.open(stack, fleet)).up();
  }

  /** The error of an `up` that has to fail. */
  async failedUp(stack: string, fleet: FleetInput): Promise<OperationError> {
    const error: unknown = await this.up(stack, fleet).then(
      () => new Error("it succeeded"),
      (caught: unknown) => caught,
    );
    if (error instanceof OperationError) return error;
    throw error;
  }

  /** Output of a command line as root that has to succeed. */
  async output(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.node.exec(command);
    if (code !== 0) throw new Error(`${command}: exit ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Returns when a command line of root succeeds; fails after two minutes. */
  async until(command: string): Promise<void> {
    const deadline = Date.now() + 120_000;
    while ((await this.node.exec(command)).code !== 0) {
      if (Date.now() > deadline) throw new Error(`never came true: ${command}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The vendor's command line as a gateway's user, with the unit's variables; what it printed. */
  async openclaw(user: string, args: string): Promise<string> {
    const script = `cd; set -a; . .openclaw/gateway.systemd.env; set +a
      field() { sed -n "s/.*\\"$1\\": \\"\\([^\\"]*\\)\\".*/\\1/p" .gatehouse/current/manifest.json; }
      exec "$(field nodePath)" "$(field cliPath)" ${args} </dev/null`;
    const { stdout } = await this.node.exec(
      `runuser -u ${user} -- env -i HOME=/home/${user} XDG_RUNTIME_DIR=/run/user/$(id -u ${user}) PATH=/usr/bin:/bin sh -s`,
      { stdin: script },
    );
    return stdout;
  }

  /** How many logins sshd has accepted so far. */
  async logins(): Promise<number> {
    return Number(
      await this.output("journalctl -t sshd --no-pager -o cat | grep -c 'Accepted publickey for ops' || true"),
    );
  }

  async pid(user: string): Promise<string> {
    return await this.output(`systemctl --user --machine=${user}@ show openclaw-gateway.service -p MainPID --value`);
  }

  /** Every byte that the operator's side keeps, and every line it showed. */
  async operatorBytes(): Promise<string> {
    const entries = await readdir(this.stateDir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return [...(await Promise.all(files.map((file) => readFile(file, "latin1")))), ...this.shown].join("\n");
  }
}
