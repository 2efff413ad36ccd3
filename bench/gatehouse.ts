import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { openStack } from "../operations/stack.ts";
import type { TestNode } from "../sandbox/node/index.ts";
import type { Job } from "./job.ts";

const ROOT = join(import.meta.dirname, "..");
const STACK = "bench";

export interface UpRun {
  /** `pulumi up` alone: engine, plugins, phases. */
  readonly up: number;
  /** With the preview that `gatehouse up` makes first, for the policies. */
  readonly previewAndUp: number;
  /** Seconds of every phase that ran. */
  readonly phases: Readonly<Record<string, number>>;
  /** Accepted SSH logins of the operator. */
  readonly handshakes: number;
  readonly changes: Readonly<Record<string, number>>;
}

/** Only the operator's: the question itself comes as root. */
async function logins(node: TestNode): Promise<number> {
  const accepted = `Accepted publickey for ${node.ssh.user} `;
  const { stdout } = await node.exec(`journalctl -t sshd --no-pager -o cat | grep -c '${accepted}' || true`);
  return Number(stdout.trim());
}

export async function gatehouseUp(
  node: TestNode,
  job: Job,
  stateDir: string,
  secrets: Readonly<Record<string, string>> = job.secrets,
): Promise<UpRun> {
  const phases: Record<string, number> = {};
  const progress = (line: string): void => {
    const [, name, seconds] = /^(\S+): (?:created|updated) \((\d+\.\d) s\)$/.exec(line) ?? [];
    if (name !== undefined) phases[name] = Number(seconds);
  };
  const stack = await openStack({ stack: STACK, stateDir, fleet: job.fleet, secrets, progress });
  const before = await logins(node);
  const preview = await stack.preview();
  const report = await stack.up();
  // `up` makes a preview of its own; one of the two is taken off again
  return {
    up: report.seconds - preview.seconds,
    previewAndUp: report.seconds,
    phases,
    handshakes: (await logins(node)) - before,
    changes: report.changes,
  };
}

/** Seconds of a whole `gatehouse up --yes` process that finds nothing to do. */
export function noOpProcess(stateDir: string): number {
  const started = performance.now();
  const args = ["bin/gatehouse", "up", "--yes", "--stack", STACK, "--state-dir", stateDir, "--json"];
  const done = spawnSync("sh", args, { cwd: ROOT, encoding: "utf8" });
  const seconds = (performance.now() - started) / 1000;
  if (done.status !== 0) throw new Error(`gatehouse up failed: ${done.stderr.slice(-500)}`);
  const { changes } = JSON.parse(done.stdout) as { changes: Record<string, number> };
  if (Object.keys(changes).join() !== "same") throw new Error(`not a no-op: ${JSON.stringify(changes)}`);
  return seconds;
}

export interface RotateRun {
  /** The whole process. */
  readonly seconds: number;
  /** Between stopping the old process and the new one's readiness. */
  readonly interruption: number;
  readonly handshakes: number;
}

/** A whole `gatehouse rotate --yes` process for an agent whose new key is stored already. */
export async function rotateProcess(node: TestNode, job: Job, agent: string, stateDir: string): Promise<RotateRun> {
  const before = await logins(node);
  const started = performance.now();
  const target = [job.user, "--agent", agent, "--provider", "anthropic"];
  const args = ["bin/gatehouse", "rotate", ...target, "--yes", "--stack", STACK, "--state-dir", stateDir, "--json"];
  const done = spawnSync("sh", args, { cwd: ROOT, encoding: "utf8" });
  const seconds = (performance.now() - started) / 1000;
  if (done.status !== 0) throw new Error(`gatehouse rotate failed: ${done.stderr.slice(-500)}`);
  const { interruptionSeconds } = JSON.parse(done.stdout) as { interruptionSeconds: number };
  return { seconds, interruption: interruptionSeconds, handshakes: (await logins(node)) - before };
}

/** Stores secrets for a later command, and runs nothing. */
export async function putSecrets(stateDir: string, secrets: Readonly<Record<string, string>>): Promise<void> {
  await openStack({ stack: STACK, stateDir, secrets, progress: () => undefined });
}

/** Seconds that the gateway's unit takes from `systemctl restart` to readiness when nothing else is done. */
export async function restartAlone(node: TestNode, job: Job): Promise<number> {
  const unit = "openclaw-gateway.service";
  const ready = `until curl -fs http://127.0.0.1:${job.port}/readyz > /dev/null; do sleep 0.05; done`;
  const script = `s=$(date +%s%N); systemctl --user -M ${job.user}@ restart ${unit}; ${ready}; echo $(( ($(date +%s%N) - s) / 1000000 ))`;
  const done = await node.exec(script, { timeoutMs: 180_000 });
  return Number(done.stdout.trim()) / 1000;
}

/** Makes the node as if Gatehouse had never been there. */
export async function removeGatehouse(node: TestNode, job: Job, stateDir: string): Promise<void> {
  const stack = await openStack({
    stack: STACK,
    stateDir,
    fleet: job.fleet,
    secrets: job.secrets,
    progress: () => undefined,
  });
  await stack.destroy();
  await node.exec("rm -rf /opt/gatehouse /var/lib/gatehouse");
}
