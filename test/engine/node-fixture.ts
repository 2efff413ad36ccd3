import type { VisitTypes } from "../../node/visits.ts";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleNodeProgram, type NodeProgram } from "../../node/bundle.ts";
import {
  RESULT_MARK,
  type Downloads,
  type PhaseError,
  type PhaseResult,
  type PhaseTypes,
  type RuntimePayload,
} from "../../node/protocol.ts";
import type { Removed } from "../../node/phase.ts";
import { renderBootstrap, type BootstrapInput, type BootstrapResult } from "../../render/bootstrap.ts";
import { bootstrapCommand, programCommand, visitCommand, type History } from "../../render/program-command.ts";
import { gzipBase64, shippedOpenclawLock } from "../../render/openclaw-lock.ts";
import { nodePath, PINNED_NODE, programId, runtimeId } from "../../render/runtime-table.ts";
import {
  canRunNode,
  destroyNode,
  ensureFilledRootfs,
  extraAuthorities,
  startNode,
  type ExecResult,
  type NodeUser,
  type TestNode,
} from "../../sandbox/node/index.ts";
import { DEFAULT_OPENCLAW_VERSION } from "../../spec/runtime.ts";

/** Time to start a node and to make what a file stands on; the base system is there before (test/prepare.ts). */
export const START_MS = 10 * 60_000;

/** Whether this machine can run a node; says why not where it cannot. */
export async function nodesCanRun(): Promise<boolean> {
  const capability = await canRunNode();
  if (!capability.ok) process.stderr.write(`skipped: ${capability.reason}\n`);
  return capability.ok;
}

/** The operator's registry, proxy settings being npm's own, and the authorities that the operator's machine trusts. */
export async function operatorDownloads(): Promise<Downloads> {
  const { stdout } = await promisify(execFile)("npm", ["config", "get", "registry"], { encoding: "utf8" });
  const pems = await extraAuthorities(process.env);
  return { registry: stdout.trim(), ...(pems.length === 0 ? {} : { extraCaPem: `${pems.join("\n")}\n` }) };
}

const note = (line: string): void => void process.stderr.write(`${line}\n`);
const lock = shippedOpenclawLock();
export const RUNTIME_ID = runtimeId({ node: PINNED_NODE, openclawVersion: DEFAULT_OPENCLAW_VERSION, ...lock });

export function runtimePayload(downloads: Downloads): RuntimePayload {
  return {
    machine: {},
    downloads,
    runtime: {
      id: RUNTIME_ID,
      openclawVersion: DEFAULT_OPENCLAW_VERSION,
      nodePath: nodePath(PINNED_NODE),
      packageJson: lock.packageJson,
      lockfileGzip: gzipBase64(lock.packageLock),
    },
    alwaysOn: true,
  };
}

/**
 * A base system that has the pinned Node and OpenClaw as bootstrap and runtime phase install them: made by them, once for
 * what they are, and kept. For tests of what comes after; those of the installation start a bare node.
 */
export async function provisionedBase(): Promise<string> {
  return await ensureFilledRootfs([PINNED_NODE, RUNTIME_ID], note, async (tree) => {
    note("installing Node and OpenClaw for the base of the test nodes, once");
    const bench = await NodeBench.startBare("provisioned");
    try {
      valueOf(await bench.bootstrap());
      valueOf(await bench.apply("runtime", runtimePayload(bench.downloads)));
      const target = join(tree, "opt/gatehouse");
      await mkdir(target, { mode: 0o755 });
      for (const name of ["node", "runtime"])
        await promisify(execFile)("cp", ["--archive", join(bench.tree, "opt/gatehouse", name), target]);
    } finally {
      await bench.destroy();
    }
  });
}

/** A node with what the operator's side would send to it. */
export class NodeBench {
  readonly node: TestNode;
  readonly downloads: Downloads;
  readonly program: NodeProgram;
  readonly #directory: string;

  private constructor(node: TestNode, downloads: Downloads, directory: string) {
    this.node = node;
    this.downloads = downloads;
    this.program = bundleNodeProgram();
    this.#directory = directory;
  }

  /** Of a node that has the pinned Node and OpenClaw already. */
  static async start(name: string): Promise<NodeBench> {
    return await NodeBench.#startOn(name, await provisionedBase());
  }

  /** Of a node as a machine comes. */
  static async startBare(name: string): Promise<NodeBench> {
    return await NodeBench.#startOn(name, undefined);
  }

  static async #startOn(name: string, base: string | undefined): Promise<NodeBench> {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-engine-"));
    const stateDir = join(directory, "node");
    try {
      const node = await startNode({ name, stateDir, progress: note, ...(base !== undefined && { base }) });
      return new NodeBench(node, await operatorDownloads(), directory);
    } catch (error) {
      await destroyNode(stateDir);
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** The node's root directory as this machine sees it. */
  get tree(): string {
    return join(this.#directory, "node", "tree");
  }

  async destroy(): Promise<void> {
    await this.node.destroy();
    await rm(this.#directory, { recursive: true, force: true });
  }

  bootstrapScript(changes: Partial<BootstrapInput> = {}): string {
    return renderBootstrap({
      machine: {},
      downloads: this.downloads,
      node: PINNED_NODE,
      program: this.program,
      ...changes,
    });
  }

  async bootstrap(
    changes: Partial<BootstrapInput> = {},
    { history = "first contact", user = "ops" }: { readonly history?: History; readonly user?: NodeUser } = {},
  ): Promise<Outcome<BootstrapResult>> {
    return outcome(await this.node.exec(bootstrapCommand(history), { user, stdin: this.bootstrapScript(changes) }));
  }

  get programId(): string {
    return programId({ node: PINNED_NODE, programHash: this.program.hash });
  }

  /** Runs a phase as Pulumi's command would: over SSH as the operator, payload on stdin. */
  async apply<N extends keyof PhaseTypes>(
    phase: N,
    payload: PhaseTypes[N]["payload"],
    { history = "provisioned", user = "ops" }: { readonly history?: History; readonly user?: NodeUser } = {},
  ): Promise<Outcome<PhaseTypes[N]["result"]>> {
    const command = programCommand(this.programId, phase, "apply", history);
    return outcome(await this.node.exec(command, { user, stdin: JSON.stringify(payload) }));
  }

  async remove<N extends keyof PhaseTypes>(phase: N, payload: PhaseTypes[N]["payload"]): Promise<Outcome<Removed>> {
    const command = programCommand(this.programId, phase, "remove", "provisioned");
    return outcome(await this.node.exec(command, { user: "ops", stdin: JSON.stringify(payload) }));
  }

  /** A call that is no part of an update, as the operator whose sudo asks for nothing. */
  async visit<N extends keyof VisitTypes>(
    name: N,
    payload: VisitTypes[N]["payload"],
  ): Promise<Outcome<VisitTypes[N]["result"]>> {
    const command = visitCommand(this.programId, name);
    return outcome(await this.node.exec(command, { user: "ops", stdin: JSON.stringify(payload) }));
  }

  /** Output of a command line as root that has to succeed, without the last newline. */
  async output(command: string, stdin?: string): Promise<string> {
    const result = await this.node.exec(command, stdin === undefined ? {} : { stdin });
    if (result.code !== 0 || result.stderr !== "") throw new Error(`${command}: exit ${result.code}: ${result.stderr}`);
    return result.stdout.trimEnd();
  }
}

export interface Outcome<T> {
  readonly code: number;
  readonly result: PhaseResult<T> | undefined;
  readonly stderr: string;
}

function outcome<T>(done: ExecResult): Outcome<T> {
  const line = done.stdout.trimEnd().split("\n").at(-1) ?? "";
  const result = line.startsWith(RESULT_MARK)
    ? (JSON.parse(line.slice(RESULT_MARK.length)) as PhaseResult<T>)
    : undefined;
  return { code: done.code, result, stderr: done.stderr };
}

/** The value of an outcome that has to be a success. */
export function valueOf<T>({ code, result, stderr }: Outcome<T>): T {
  if (code !== 0 || result?.ok !== true) throw new Error(`exit ${code}: ${stderr}\n${JSON.stringify(result)}`);
  return result.value;
}

/** The error of an outcome that has to be a failure, told to people and to programs alike. */
export function errorOf(phase: string, { code, result, stderr }: Outcome<unknown>): PhaseError & { exit: number } {
  if (code === 0 || result?.ok !== false) throw new Error(`no failure: exit ${code}: ${stderr}`);
  const { layer, code: name, message, fix } = result.error;
  const told = `gatehouse: ${phase} failed [${layer}/${name}]: ${message}\n  fix: ${fix}\n`;
  if (fix === "" || !stderr.includes(told)) throw new Error(`people were not told ${told}, but ${stderr}`);
  return { ...result.error, exit: code };
}
