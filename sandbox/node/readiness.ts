import { connect } from "node:net";
import { NodeError, NodeTimeout } from "./errors.ts";
import type { NodeSystem } from "./record.ts";
import { execOverSsh, type SshAccess } from "./ssh.ts";
import { waitFor } from "./wait.ts";

const BANNER_TIMEOUT_MS = 90_000;
const BOOT_TIMEOUT_MS = 120_000;

export interface BootWatch {
  readonly name: string;
  readonly access: SshAccess;
  readonly consoleLog: string;
  readonly system: NodeSystem;
  /** False as soon as the node's process has ended: then waiting is pointless. */
  readonly alive: () => Promise<boolean>;
}

/**
 * Waits until sshd greets and the system has finished starting. Returns the boot's id.
 * @throws {NodeTimeout} past 90 s without a greeting, or 120 s of starting.
 * @throws {NodeError} when the node ended, or units of it failed.
 */
export async function waitUntilReady(watch: BootWatch): Promise<string> {
  const root = { ...watch.access, user: "root" };
  await greeting(watch);
  const state = await waitFor(
    async () => {
      // `running` and `degraded` are final; a node that is still booting refuses or breaks connections
      const answer = await execOverSsh(watch.name, root, watch.system.ready, {
        timeoutMs: BOOT_TIMEOUT_MS,
      }).catch(retryable);
      const word = answer?.stdout.trim();
      return word === "running" || word === "degraded" ? word : undefined;
    },
    { timeoutMs: BOOT_TIMEOUT_MS, everyMs: 200 },
  );
  if (state === undefined) throw new NodeTimeout(`starting ${watch.name}`, BOOT_TIMEOUT_MS, watch.consoleLog);
  if (state === "degraded") {
    const failed = await execOverSsh(watch.name, root, watch.system.failures);
    throw new NodeError(`${watch.name} started with failed units:\n${failed.stdout}`, "read its log");
  }
  return bootId(watch.name, watch.access);
}

/** New at every start of the node: systemd-nspawn gives it an id of its own. */
export async function bootId(name: string, access: SshAccess): Promise<string> {
  const answer = await execOverSsh(name, { ...access, user: "root" }, "cat /proc/sys/kernel/random/boot_id", {
    timeoutMs: 20_000,
  });
  return answer.stdout.trim();
}

async function greeting(watch: BootWatch): Promise<void> {
  const { host, port } = watch.access;
  const heard = await waitFor(
    async () => {
      if (!(await watch.alive())) {
        throw new NodeError(`${watch.name} ended while starting`, `read the node's console in ${watch.consoleLog}`);
      }
      return (await greets(host, port)) ? true : undefined;
    },
    { timeoutMs: BANNER_TIMEOUT_MS, everyMs: 100 },
  );
  if (heard === undefined) throw new NodeTimeout(`sshd of ${watch.name}`, BANNER_TIMEOUT_MS, watch.consoleLog);
}

function greets(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => {
      done(data.toString("latin1").startsWith("SSH-2.0-"));
    });
    socket.once("error", () => {
      done(false);
    });
    socket.once("timeout", () => {
      done(false);
    });
    socket.once("end", () => {
      done(false);
    });
  });
}

/** Everything but a foreign host key may pass with time. */
function retryable(error: unknown): undefined {
  if (error instanceof NodeError && error.name !== "HostKeyMismatch") return undefined;
  throw error;
}
