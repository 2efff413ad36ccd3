import type { VisitTypes } from "../../node/visits.ts";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { bundleNodeProgram, type NodeProgram } from "../../node/bundle.ts";
import {
  RESULT_MARK,
  type Downloads,
  type PhaseError,
  type PhaseResult,
  type PhaseTypes,
} from "../../node/protocol.ts";
import type { Removed } from "../../node/phase.ts";
import { renderBootstrap, type BootstrapInput, type BootstrapResult } from "../../render/bootstrap.ts";
import { bootstrapCommand, programCommand, visitCommand, type History } from "../../render/program-command.ts";
import { PINNED_NODE, programId } from "../../render/runtime-table.ts";
import {
  canRunNode,
  destroyNode,
  extraAuthorities,
  startNode,
  type ExecResult,
  type NodeUser,
  type TestNode,
} from "../../sandbox/node/index.ts";

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

  static async start(name: string): Promise<NodeBench> {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-engine-"));
    const stateDir = join(directory, "node");
    const progress = (line: string): void => void process.stderr.write(`${line}\n`);
    try {
      const node = await startNode({ name, stateDir, progress });
      return new NodeBench(node, await operatorDownloads(), directory);
    } catch (error) {
      await destroyNode(stateDir);
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
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
    expect(result.stderr + String(result.code), command).toBe("0");
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
  expect(stderr).toContain(`gatehouse: ${phase} failed [${layer}/${name}]: ${message}\n  fix: ${fix}\n`);
  expect(fix).not.toBe("");
  return { ...result.error, exit: code };
}
