import { generateKeyPairSync } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceOutputsRequest, RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { RESULT_MARK, type IssuedCredential } from "../../node/protocol.ts";
import { plannedUpdate } from "../../remote/plugin/observe.ts";
import { NOTHING_OBSERVED, type Observed } from "../../remote/subject.ts";
import { tlsProvider } from "../../sandbox/plugins/tls/provider.ts";
import { isSealed, publicText, unseal } from "../../node/sealed.ts";

type Properties = Readonly<Record<string, unknown>>;

/** One resource as the program registered it; secrets keep their wrappers. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  /** Name of the parent, empty for the stack. */
  readonly parent: string;
  readonly parentUrn: string;
  readonly inputs: Properties;
  /** Names of what it depends on by `dependsOn` or by an input, sorted. */
  readonly dependsOn: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  readonly deleteBeforeReplace: boolean;
  /** Names of what it is replaced together with, sorted. */
  readonly replaceWith: readonly string[];
}

export interface MockedRun {
  /** In order of registration, without the stack. */
  readonly resources: readonly Registered[];
  /** What the stack and the components published, by resource name; secrets keep their wrappers. */
  readonly outputs: Readonly<Record<string, Properties>>;
  readonly stackOutputs: Properties;
}

export interface RunOptions {
  /** Default false. */
  readonly preview?: boolean;
  /** Values of the stack's configuration, by full key. */
  readonly config?: Readonly<Record<string, string>>;
  /** Keys of `config` that are encrypted. */
  readonly secretKeys?: readonly string[];
  /** Called with the name of each resource, also of a run that fails. */
  readonly onRegister?: (name: string) => void;
  /** Outputs of the stacks that the program refers to, by name. */
  readonly otherStacks?: Readonly<Record<string, Properties>>;
  /** How long the engine takes to read one of them; default 0. */
  readonly readMs?: number;
  /** What a refresh left of an observation, by name; default nothing. */
  readonly observed?: Readonly<Record<string, Observed>>;
  /** What a confirmation says about the age of its credentials; default nothing. */
  readonly issued?: readonly IssuedCredential[];
}

/** The private key that the mocked `tls.PrivateKey` of this name has. */
export function seedOf(name: string): string {
  return `-----BEGIN PRIVATE KEY-----\nSEED-CANARY-${name}\n-----END PRIVATE KEY-----\n`;
}

export const MACHINE_ID = "0123456789abcdef0123456789abcdef";

/** What every mocked node opens its payloads with. */
const SEALING_KEY = generateKeyPairSync("x25519").privateKey;

/** What a phase reads from its stdin: the payload that was sealed for the node. */
export function openedStdin(stdin: string): string {
  const payload: unknown = stdin.startsWith("{") ? JSON.parse(stdin) : undefined;
  return isSealed(payload) ? unseal(payload, SEALING_KEY) : stdin;
}

/** What each phase reports, by the end of its resource's name. */
const RESULTS: Readonly<Record<string, object>> = {
  bootstrap: { machineId: MACHINE_ID, target: "linux-x64", action: "installed" },
  runtime: { machineId: MACHINE_ID, action: "installed" },
  account: { uid: 1001, gid: 1001, home: "/home/somebody", sealingKey: publicText(SEALING_KEY) },
  agent: { agent: "somebody", credentials: [] },
  gateway: {
    generation: "g-0123456789abcdef",
    previousGeneration: null,
    action: "switched",
    rollbackPoints: 0,
    hardening: { profile: "namespaced", findings: [] },
    interruptionSeconds: 1.5,
    proof: { variables: 3, oldTokenRefused: null },
    vendorPolicy: { attestationHash: `sha256:${"a".repeat(64)}`, policyHash: `sha256:${"b".repeat(64)}`, checks: 68 },
  },
  verify: {
    health: "ready",
    unitState: "active (running)",
    openclawVersion: "2026.9.6",
    pid: 1,
    restarts: 0,
    credentials: [],
    launched: [
      { variable: "OPENCLAW_AGENT_RESEARCH_ANTHROPIC_KEY", reference: "vault://kv/gw/research#key", version: "7" },
    ],
  },
};

/** Certificates are real ones, which their readers parse. */
async function madeByStandIn(type: string, inputs: Properties): Promise<Properties> {
  const made = await tlsProvider().create?.(`urn:pulumi:test::gatehouse::${type}::x`, inputs);
  return made?.outs as Properties;
}

async function stateOf(type: string, name: string, inputs: Properties, options: RunOptions): Promise<Properties> {
  const { preview, issued, otherStacks = {} } = options;
  // the engine reads it at preview, too
  if (type === "pulumi:pulumi:StackReference") {
    await setTimeout(options.readMs ?? 0);
    return { ...inputs, outputs: otherStacks[name] ?? {} };
  }
  if (type === OBSERVATION) return { ...inputs, ...plannedUpdate(options.observed?.[name] ?? NOTHING_OBSERVED) };
  if (preview === true) return inputs;
  if (type.startsWith("tls:") && inputs["algorithm"] !== "ED25519") return await madeByStandIn(type, inputs);
  if (type === "tls:index/privateKey:PrivateKey") return { ...inputs, privateKeyPem: seedOf(name) };
  if (type !== "command:remote:Command") return inputs;
  const phase = name.split("-").at(-1) ?? "";
  const value = phase === "verify" && issued ? { ...RESULTS[phase], credentials: issued } : RESULTS[phase];
  if (value === undefined) throw new Error(`no result for ${name}`);
  return { ...inputs, stdout: `chatter\n${RESULT_MARK}${JSON.stringify({ ok: true, value })}\n`, stderr: "" };
}

/** The parts of the SDK's monitor client that a run is recorded at. */
interface Monitor {
  registerResource: (request: RegisterResourceRequest, ...rest: unknown[]) => unknown;
  registerResourceOutputs: (request: RegisterResourceOutputsRequest, ...rest: unknown[]) => unknown;
  /** Missing in the SDK's mocks (3.270.0), which say that they support it. */
  registerResourceHook?: (request: unknown, done: (error: Error | null) => void) => void;
}

const STACK_TYPE = "pulumi:pulumi:Stack";

function nameOf(urn: string): string {
  const [, , type, ...name] = urn.split("::");
  return type === STACK_TYPE ? "" : name.join("::");
}

function propertiesOf(struct: ReturnType<RegisterResourceRequest["getObject"]>): Properties {
  return struct?.toJavaScript() ?? {};
}

/** Runs a program with mocks in place of engine and providers. Rejects with what the program throws. */
export async function mockedRun(program: () => Promise<unknown>, options: RunOptions = {}): Promise<MockedRun> {
  const preview = options.preview ?? false;
  const mocks: pulumi.runtime.Mocks = {
    newResource: async ({ type, name, inputs }) => ({
      id: `${name}-id`,
      state: await stateOf(type, name, inputs as Properties, options),
    }),
    call: ({ token }) => {
      throw new Error(`unexpected call of ${token}`);
    },
  };
  await pulumi.runtime.setMocks(mocks, "gatehouse", "test", preview, "organization");
  pulumi.runtime.setAllConfig({ ...options.config }, [...(options.secretKeys ?? [])]);
  const resources: Registered[] = [];
  const outputs: Record<string, Properties> = {};
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const { registerResource, registerResourceOutputs } = monitor;
  monitor.registerResourceHook = (_request, done) => {
    done(null);
  };
  monitor.registerResource = (request, ...rest) => {
    if (request.getType() !== STACK_TYPE) {
      options.onRegister?.(request.getName());
      resources.push({
        type: request.getType(),
        name: request.getName(),
        parent: nameOf(request.getParent()),
        parentUrn: request.getParent(),
        inputs: propertiesOf(request.getObject()),
        dependsOn: [...new Set(request.getDependenciesList().map(nameOf))].sort(),
        additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        replaceWith: request.getReplaceWithList().map(nameOf).sort(),
      });
    }
    return registerResource.call(monitor, request, ...rest);
  };
  monitor.registerResourceOutputs = (request, ...rest) => {
    outputs[nameOf(request.getUrn())] = propertiesOf(request.getOutputs());
    return registerResourceOutputs.call(monitor, request, ...rest);
  };
  let failure: { readonly error: unknown } | undefined;
  await pulumi.runtime.runInPulumiStack(async () => {
    try {
      return await program();
    } catch (error) {
      // the SDK would reject several promises of its own with it, which nobody handles here
      failure = { error };
      return {};
    }
  });
  await pulumi.runtime.disconnect();
  if (failure !== undefined) throw failure.error;
  return { resources, outputs, stackOutputs: outputs[""] ?? {} };
}

/** The one resource of that name and type. */
export function find(run: MockedRun, type: string, name: string): Registered {
  const found = run.resources.filter((resource) => resource.type === type && resource.name === name);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources ${type} ${name}`);
  return only;
}

export const COMMAND = "command:remote:Command";
export const OBSERVATION = "gatehouse-drift:index:Observation";

export function commands(run: MockedRun): Registered[] {
  return run.resources.filter(({ type }) => type === COMMAND);
}

/** The text behind a secret wrapper. */
export function revealed(value: unknown): string {
  if (!pulumi.runtime.isRpcSecret(value)) throw new Error("not a secret");
  return String(pulumi.runtime.unwrapRpcSecret(value));
}

/** `value` with every secret replaced by `[secret]`: what may be seen. */
export function visible(value: unknown): unknown {
  if (pulumi.runtime.isRpcSecret(value)) return "[secret]";
  if (Array.isArray(value)) return value.map(visible);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, visible(part)]));
}
