import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { bundleLauncher, bundleNodeProgram } from "../node/bundle.ts";
import type { NodeProgram } from "../node/bundle.ts";
import type { Downloads, MachineExpectation, RuntimeResult } from "../node/protocol.ts";
import type { UnitRuntime } from "../render/index.ts";
import { renderBootstrap } from "../render/bootstrap.ts";
import type { BootstrapResult } from "../render/bootstrap.ts";
import { gzipBase64, shippedOpenclawLock } from "../render/openclaw-lock.ts";
import type { OpenclawLock } from "../render/openclaw-lock.ts";
import { nodePath, pinnedNode, programId, runtimeId } from "../render/runtime-table.ts";
import type { PinnedNode } from "../render/runtime-table.ts";
import type { ConnectionArgs } from "../remote/connection.ts";
import { Observation } from "../remote/observation.ts";
import { bootstrapPhase, remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import type { RuntimeSpec } from "../spec/index.ts";
import { ComponentError } from "./errors.ts";

/** Everything about a runtime that is known before any node is contacted. */
export interface RuntimePlan {
  readonly node: PinnedNode;
  readonly openclawVersion: string;
  readonly lock: OpenclawLock;
  readonly programText: string;
  readonly programHash: string;
  readonly programId: string;
  readonly launcherText: () => string;
  readonly unitRuntime: UnitRuntime;
  /** What policies may read. */
  readonly view: {
    readonly nodeVersion: string;
    readonly nodeIntegrity: Readonly<Record<string, string>>;
    readonly openclawVersion: string;
    readonly lockfileHash: string;
    readonly runtimeId: string;
  };
}

let bundled: NodeProgram | undefined;
let launcher: NodeProgram | undefined;

/** The launcher's text; bundled once, and only for a fleet that has a use for it. */
function launcherText(): string {
  return (launcher ??= bundleLauncher()).programText;
}

/** The on-node program; bundled once for all nodes of a fleet. */
function nodeProgram(): NodeProgram {
  return (bundled ??= bundleNodeProgram());
}

function lockFrom(directory: string): OpenclawLock {
  const read = (name: string): string => {
    try {
      return readFileSync(join(directory, name), "utf8");
    } catch (error) {
      throw new ComponentError(
        [`runtime.openclaw.lockDirectory: cannot read ${name} in ${directory}`],
        "make it with `npm install --package-lock-only openclaw@VERSION` in an empty directory",
        error,
      );
    }
  };
  return { packageJson: read("package.json"), packageLock: read("package-lock.json") };
}

/** @throws {ComponentError} for a lock directory that can't be read. */
export function planRuntime(spec: RuntimeSpec): RuntimePlan {
  const node = pinnedNode(spec.node);
  const { version, lockDirectory } = spec.openclaw;
  const lock = lockDirectory === undefined ? shippedOpenclawLock() : lockFrom(lockDirectory);
  const { programText, hash } = nodeProgram();
  const id = runtimeId({ node, openclawVersion: version, ...lock });
  return {
    node,
    openclawVersion: version,
    lock,
    programText,
    programHash: hash,
    programId: programId({ node, programHash: hash }),
    launcherText,
    unitRuntime: { id, nodePath: nodePath(node) },
    view: {
      nodeVersion: node.version,
      nodeIntegrity: Object.fromEntries(
        Object.entries(node.archives).map(([target, archive]) => [target, archive.integrity]),
      ),
      openclawVersion: version,
      lockfileHash: `sha256-${createHash("sha256").update(lock.packageLock).digest("base64")}`,
      runtimeId: id,
    },
  };
}

export interface RuntimeArgs {
  readonly plan: RuntimePlan;
  readonly target: RuntimeTarget;
}

/** The machine to install on. */
export interface RuntimeTarget {
  readonly connection: ConnectionArgs;
  readonly machine: pulumi.Output<MachineExpectation>;
  readonly downloads: Downloads;
  readonly alwaysOn: boolean;
}

export interface RuntimePhases {
  readonly bootstrap: RemotePhase<BootstrapResult>;
  readonly installation: RemotePhase<RuntimeResult>;
}

/** Pinned Node and OpenClaw of one node, content-addressed, owned by root, shared by its gateways. */
export class Runtime extends pulumi.ComponentResource {
  readonly phases: RuntimePhases;

  constructor(name: string, { plan, target }: RuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gatehouse:index:Runtime", name, plan.view, opts);
    this.phases = this.#install(name, plan, target);
    this.registerOutputs({ machineId: this.phases.bootstrap.result.machineId });
  }

  #install(
    name: string,
    plan: RuntimePlan,
    { connection, machine, downloads, alwaysOn }: RuntimeTarget,
  ): RuntimePhases {
    const bootstrap = bootstrapPhase(
      `${name}-bootstrap`,
      {
        connection,
        script: machine.apply((expected) =>
          renderBootstrap({
            machine: expected,
            downloads,
            node: plan.node,
            program: { programText: plan.programText, hash: plan.programHash },
          }),
        ),
      },
      { parent: this },
    );
    const observation = new Observation(
      `${name}-observation`,
      {
        connection,
        programId: plan.programId,
        machineId: bootstrap.result.machineId,
        machine: { alwaysOn, runtime: plan.unitRuntime.id },
      },
      { parent: this },
    );
    const installation = remotePhase(
      `${name}-runtime`,
      {
        phase: "runtime",
        connection,
        programId: plan.programId,
        observation,
        payload: {
          machine,
          downloads,
          runtime: {
            id: plan.unitRuntime.id,
            openclawVersion: plan.openclawVersion,
            nodePath: plan.unitRuntime.nodePath,
            packageJson: plan.lock.packageJson,
            lockfileGzip: gzipBase64(plan.lock.packageLock),
          },
          alwaysOn,
        },
      },
      { parent: this, dependsOn: bootstrap.command },
    );
    return { bootstrap, installation };
  }
}
