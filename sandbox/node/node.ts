import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { join, resolve } from "node:path";
import { isRunning, launch, shutDown } from "./boot.ts";
import { unifiedHierarchy } from "./cgroup.ts";
import { errorCode, HostKeyMismatch, NodeError, NodeTimeout } from "./errors.ts";
import { writeFileAtomically } from "./files.ts";
import { canRunNode, ensureHostPrograms } from "./host.ts";
import { generateKeyPair } from "./keys.ts";
import { freePort } from "./port.ts";
import { bootId, waitUntilReady } from "./readiness.ts";
import { layout, readRecord, writeRecord, type NodeRecord } from "./record.ts";
import { ensureRootfs, USERS, type NodeUser } from "./rootfs.ts";
import { execOverSsh, type ExecOptions, type ExecResult, type SshAccess } from "./ssh.ts";
import { DEBIAN, mountTree, unmountTree, type Recipe } from "./tree.ts";
import { waitFor } from "./wait.ts";

const REBOOT_TIMEOUT_MS = 120_000;

export interface StartOptions {
  /** Host name of the node: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** Loopback address of sshd, by default 127.0.0.1. The node shares the host's network. */
  readonly address?: string;
  /** By default a free port is chosen. */
  readonly sshPort?: number;
  /** Directory of this node alone: tree, keys, console log and record. */
  readonly stateDir: string;
  /** Tree that a new node starts from, by default the base system (`ensureRootfs`). It is never written to. */
  readonly base?: string;
  /** `stop()` also destroys. By default false. */
  readonly ephemeral?: boolean;
  /** Told what takes long; by default nobody is. */
  readonly progress?: (line: string) => void;
}

export interface NodeExecOptions extends ExecOptions {
  /** By default root. */
  readonly user?: NodeUser;
}

/**
 * Starts the node of `stateDir`: a new one, or the same again when it was stopped. One that runs is taken as it is.
 * @throws {NodeError} when this host can't run nodes, the port is taken or the node does not come up.
 */
export async function startNode(options: StartOptions, recipe: Recipe = DEBIAN): Promise<TestNode> {
  const capability = await canRunNode();
  if (!capability.ok) throw new NodeError(capability.reason, "see the message");
  const stateDir = resolve(options.stateDir);
  const progress = options.progress ?? (() => undefined);
  await ensureHostPrograms(progress);

  let record = await readRecord(stateDir);
  if (record === undefined) record = await createNode(stateDir, options, recipe, progress);
  else if (record.name !== options.name) {
    throw new NodeError(
      `${stateDir} holds the node ${record.name}, not ${options.name}`,
      "name another state directory",
    );
  }
  if (!(await isRunning(record))) {
    await freePort(record.address, record.sshPort);
    await shutDown(stateDir, record);
    await mountTree(stateDir, record);
    progress(`starting ${record.name} (ssh on ${record.address}:${record.sshPort})`);
    record = { ...record, supervisor: await launch(stateDir, record) };
    await writeRecord(stateDir, record);
  }
  const node = new TestNode(stateDir, record);
  await node.ready();
  return node;
}

/** The running node of a state directory, or undefined when there is none or it does not run. */
export async function attachNode(stateDir: string): Promise<TestNode | undefined> {
  const directory = resolve(stateDir);
  const record = await readRecord(directory);
  return record !== undefined && (await isRunning(record)) ? new TestNode(directory, record) : undefined;
}

/** Removes the node of a state directory whatever state it is in: running, stopped, half made, half removed, none. */
export async function destroyNode(stateDir: string): Promise<void> {
  const directory = resolve(stateDir);
  const record = await readRecord(directory);
  if (record !== undefined) await shutDown(directory, record);
  await unmountTree(directory);
  const { record: recordFile, ...others } = layout(directory);
  const temporaries = (await readdir(directory).catch(() => []))
    .map((name) => join(directory, name))
    .filter((path) => [recordFile, others.identityFile].some((file) => path.startsWith(`${file}.`)));
  // the record goes last: what is left of an interrupted removal can still be found
  for (const path of [...temporaries, ...Object.values(others), recordFile]) {
    await rm(path, { recursive: true, force: true });
  }
  // only what is ours: the directory may hold files of the caller
  await rmdir(directory).catch((error: unknown) => {
    if (!["ENOENT", "ENOTEMPTY"].includes(errorCode(error) ?? "")) throw error;
  });
}

/** A throw-away Debian 12 with systemd and sshd that a stack can provision like any machine. */
export class TestNode {
  readonly name: string;
  /** Access as the operator `ops`, who has sudo without a password. */
  readonly ssh: SshAccess;
  readonly #stateDir: string;
  readonly #record: NodeRecord;

  /** Use `startNode` or `attachNode`. */
  constructor(stateDir: string, record: NodeRecord) {
    this.#stateDir = stateDir;
    this.#record = record;
    this.name = record.name;
    this.ssh = {
      host: record.address,
      port: record.sshPort,
      user: USERS.operator,
      identityFile: layout(stateDir).identityFile,
      hostKey: record.hostKey,
    };
  }

  /** Runs a command line in the shell of root, or of `user`. A non-zero status is a result, not an error. */
  async exec(command: string, options: NodeExecOptions = {}): Promise<ExecResult> {
    const { user = USERS.root, ...rest } = options;
    return execOverSsh(this.name, { ...this.ssh, user }, command, rest);
  }

  /** Waits until the node has finished starting. */
  async ready(): Promise<void> {
    await waitUntilReady({
      name: this.name,
      access: this.ssh,
      consoleLog: layout(this.#stateDir).console,
      system: this.#record.system,
      alive: () => isRunning(this.#record),
    });
  }

  /** Restarts the node from within, as on a real machine, and waits until it is up again. */
  async reboot(): Promise<void> {
    const before = await bootId(this.name, this.ssh);
    // the answer may get lost with the connection
    await this.exec(this.#record.system.reboot).catch(() => undefined);
    const after = await waitFor(
      async () => {
        const id = await bootId(this.name, this.ssh).catch((error: unknown) => {
          if (error instanceof HostKeyMismatch) throw error;
          return undefined;
        });
        return id === before ? undefined : id;
      },
      { timeoutMs: REBOOT_TIMEOUT_MS, everyMs: 200 },
    );
    if (after === undefined) {
      throw new NodeTimeout(`restarting ${this.name}`, REBOOT_TIMEOUT_MS, layout(this.#stateDir).console);
    }
    await this.ready();
  }

  /** Powers the node off and keeps its tree for the next `startNode`; an ephemeral node is destroyed. */
  async stop(): Promise<void> {
    if (this.#record.ephemeral) {
      await this.destroy();
      return;
    }
    await shutDown(this.#stateDir, this.#record);
    await unmountTree(this.#stateDir);
  }

  /** Powers the node off and removes everything of it. May be called again. */
  async destroy(): Promise<void> {
    await destroyNode(this.#stateDir);
  }

  /**
   * Gives the node another machine id, as if another machine answered at its address, and returns it.
   * Takes effect for readers of it at once; systemd's journal changes over with the next start.
   */
  async replaceMachineId(): Promise<string> {
    const { path: target, form } = this.#record.system.machineId;
    const id = form === "hex" ? randomBytes(16).toString("hex") : randomUUID().toUpperCase();
    const result = await this.exec(
      `umask 022 && cat > ${target}.new && chmod 444 ${target}.new && mv ${target}.new ${target}`,
      {
        stdin: `${id}\n`,
      },
    );
    if (result.code !== 0) throw new NodeError(`the machine id was not replaced: ${result.stderr}`, "is / read-only?");
    return id;
  }
}

async function createNode(
  stateDir: string,
  options: StartOptions,
  recipe: Recipe,
  progress: (line: string) => void,
): Promise<NodeRecord> {
  const { name, address = "127.0.0.1" } = options;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw new NodeError(`${JSON.stringify(name)} is not a host name`, "use lower-case letters, digits and hyphens");
  }
  if (!isIPv4(address) || !address.startsWith("127.")) {
    throw new NodeError(`${address} is not a loopback address`, "use 127.x.y.z: a test node is not for the network");
  }
  const cgroups = await unifiedHierarchy();
  if (cgroups === undefined) throw new NodeError("no writable cgroup v2 hierarchy is mounted", "mount one");

  // what a start that was killed before its record left behind
  await destroyNode(stateDir);
  const base = options.base ?? (await ensureRootfs(progress));
  const sshPort = await freePort(address, options.sshPort);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { identityFile } = layout(stateDir);
  const hostKey = generateKeyPair(name);
  const clientKey = generateKeyPair(`operator of ${name}`);
  await writeFileAtomically(identityFile, clientKey.privateKey, 0o600);
  const identity = { name, address, sshPort, hostKey, clientKey: clientKey.publicKey };
  const overlay = await recipe.makeTree(stateDir, base, identity);

  const id = randomBytes(6).toString("hex");
  const record: NodeRecord = {
    version: 1,
    name,
    id,
    address,
    sshPort,
    hostKey: hostKey.publicKey,
    ...(overlay ? { base } : {}),
    cgroup: join(cgroups, `gatehouse-${name}-${id}`),
    ephemeral: options.ephemeral ?? false,
    system: recipe.system(base),
  };
  await writeRecord(stateDir, record);
  return record;
}
