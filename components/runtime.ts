import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { bundleNodeProgram } from "../node/bundle.ts";
import type { Downloads, MachineExpectation } from "../node/protocol.ts";
import type { UnitRuntime } from "../render/index.ts";
import { renderBootstrap } from "../render/bootstrap.ts";
import { gzipBase64, shippedOpenclawLock } from "../render/openclaw-lock.ts";
import type { OpenclawLock } from "../render/openclaw-lock.ts";
import { PINNED_NODE, nodePath, programId, runtimeId } from "../render/runtime-table.ts";
import type { PinnedNode } from "../render/runtime-table.ts";
import type { ConnectionArgs } from "../remote/connection.ts";
import { bootstrapPhase, remotePhase } from "../remote/phase.ts";
import type { RemotePhase } from "../remote/phase.ts";
import { DEFAULT_NODE_VERSION } from "../spec/index.ts";
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
  const node: PinnedNode =
    spec.node.archives === undefined && spec.node.version === DEFAULT_NODE_VERSION
      ? PINNED_NODE
      : { version: spec.node.version, archives: { ...spec.node.archives } };
  const { version, lockDirectory } = spec.openclaw;
  const lock = lockDirectory === undefined ? shippedOpenclawLock() : lockFrom(lockDirectory);
  const { programText, hash } = bundleNodeProgram();
  const id = runtimeId({ node, openclawVersion: version, ...lock });
  return {
    node,
    openclawVersion: version,
    lock,
    programText,
    programHash: hash,
    programId: programId({ node, programHash: hash }),
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
  readonly connection: ConnectionArgs;
  readonly plan: RuntimePlan;
  readonly machine: pulumi.Input<MachineExpectation>;
  readonly downloads: Downloads;
}

/** Pinned Node and OpenClaw of one node, content-addressed, owned by root, shared by its gateways. */
export class Runtime extends pulumi.ComponentResource {
  readonly bootstrap: RemotePhase<{ readonly machineId: string }>;
  readonly installation: RemotePhase<{
    readonly machineId: string;
    readonly nodeVersion: string;
    readonly openclawVersion: string;
  }>;

  constructor(name: string, args: RuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    const { connection, plan, downloads } = args;
    super("gatehouse:index:Runtime", name, plan.view, opts);
    const machine = pulumi.output(args.machine);
    this.bootstrap = bootstrapPhase(
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
    this.installation = remotePhase(
      `${name}-runtime`,
      {
        phase: "runtime",
        connection,
        programId: plan.programId,
        payload: machine.apply((expected) => ({
          machine: expected,
          downloads,
          runtime: {
            id: plan.unitRuntime.id,
            openclawVersion: plan.openclawVersion,
            nodePath: plan.unitRuntime.nodePath,
            packageJson: plan.lock.packageJson,
            lockfileGzip: gzipBase64(plan.lock.packageLock),
          },
        })),
      },
      { parent: this, dependsOn: this.bootstrap.command },
    );
    this.registerOutputs({ machineId: this.bootstrap.result.machineId });
  }
}
